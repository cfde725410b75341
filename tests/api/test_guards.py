"""No page of another site can make a browser act here, and pages load nothing from elsewhere."""

import pytest
from starlette.testclient import TestClient

from .conftest import Start


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),  # no browser
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "http://testserver"}, 200),
        ({"Origin": "http://testserver.elsewhere"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_posts_of_other_sites_are_refused(
    client: TestClient, start: Start, headers: dict[str, str], status: int
) -> None:
    instance = start()
    answer = client.post(f"/instances/{instance}/cancel", headers=headers)
    assert answer.status_code == status
    ended = client.get(f"/instances/{instance}", headers=headers).json()["ended_at"]
    assert (ended is not None) == (status == 200)


def test_every_answer_binds_the_browser(client: TestClient) -> None:
    for path in ("/", "/instances", "/nothing", "/openapi.json", "/api"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "script-src 'self';" in policy
        assert ("unsafe" in policy) == (path == "/api")


def test_swagger_ui_is_all_ours(client: TestClient) -> None:
    page = client.get("/api").text
    assert "http://" not in page
    assert "https://" not in page
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "start.js", "LICENSE"):
        assert client.get(f"/static/swagger/{name}").status_code == 200, name
    assert "validatorUrl: null" in client.get("/static/swagger/start.js").text
