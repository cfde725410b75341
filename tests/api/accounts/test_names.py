"""In whose name something is done: people act in their own, programs in what they say."""

import re
from typing import Any

import pytest

from onceflow.engine import calls
from onceflow.engine.definition import compile_definition, parse

from .conftest import House

FLOW = "name: ask\nsteps:\n  - {id: ask, approve: {title: Well?, to: [ann, starter-person]}}\n"
ORIGIN = {"Origin": "http://testserver"}


@pytest.fixture
def form(house: House) -> dict[str, Any]:
    calls.register_workflow(house.conn, compile_definition(parse(FLOW, "yaml")))
    (made,) = calls.start_instances(house.conn, "ask", [{}])
    return {"instance": str(made.instance_id), "task": "ask"}


def claim(house: House, form: dict[str, Any], by: str, headers: dict[str, str]) -> tuple[int, str]:
    body = {"forms": [form], "by": by}
    answer = house.client.post("/forms/claim", json=body, headers=headers | ORIGIN)
    return answer.status_code, answer.text


def test_a_person_cannot_act_in_the_name_of_another(house: House, form: dict[str, Any]) -> None:
    status, text = claim(house, form, "ann", house.browser("starter"))
    assert (status, "in the name of starter-person alone" in text) == (403, True)
    assert claim(house, form, "starter-person", house.browser("starter"))[0] == 200


def test_a_program_says_for_whom_it_acts(house: House, form: dict[str, Any]) -> None:
    assert claim(house, form, "ann", house.key("starter"))[0] == 200


# guarantee: name-of-another
def test_on_a_page_nobody_is_asked_who_he_is_who_is_known(
    house: House, form: dict[str, Any]
) -> None:
    path = f"/ui/forms/{form['instance']}"
    browser = house.browser("starter")
    page = house.client.get(f"{path}?task=ask", headers=browser).text
    assert "You are" not in page
    token = re.search(r'name="form_token" value="(\w+)"', page)
    assert token is not None
    typed = {"task": "ask", "decision": "approved", "form_token": token[1]}
    refused = house.client.post(
        f"{path}/answer", data=typed | {"by": "ann"}, headers=browser | ORIGIN
    )
    assert refused.status_code == 403
    done = house.client.post(f"{path}/answer", data=typed, headers=browser | ORIGIN)
    assert done.status_code == 303
    log = house.client.get(f"/instances/{form['instance']}/forms", headers=browser).json()
    assert [entry["by"] for entry in log["items"]] == ["starter-person"]


def test_what_is_set_is_set_by_who_is_known(house: House) -> None:
    for headers in (house.browser("deployer"), house.key("deployer")):
        value = {"value": headers.get("Cookie", "key")}
        done = house.client.put("/config/who", json=value, headers=headers | ORIGIN)
        assert done.status_code == 200, done.text
    history = house.client.get("/config/who/history", headers=house.key("viewer")).json()
    assert [entry["set_by"] for entry in history["items"]] == [
        "key deployer-key",
        "deployer-person",
    ]
