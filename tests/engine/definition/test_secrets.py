"""``$secrets`` and ``$config``: what a definition may say of them, and what becomes of it."""

from typing import Any

import pytest

from onceflow.engine.definition import check_definition, compile_definition, parse
from onceflow.engine.errors import DefinitionError


def compiled(with_: str, more: str = "") -> dict[str, Any]:
    text = f"name: flow\nsteps:\n  - id: a\n    task: work\n    with: {with_}\n{more}"
    return compile_definition(parse(text, "yaml"))


def refused(with_: str, more: str = "") -> str:
    with pytest.raises(DefinitionError) as raised:
        compiled(with_, more)
    return "\n".join(str(fault) for fault in raised.value.faults)


def test_a_text_with_secrets_is_null_for_postgres_and_stands_aside_for_workers() -> None:
    found = compiled(
        '{headers: {auth: "Bearer ${ $secrets.TOKEN }"},'
        ' list: [1, "${$secrets.A}$$${ $secrets.B }"], url: "${ $.input.url }"}'
    )
    spec = found["steps"][0]["spec"]
    assert spec["with"] == {
        "o": {
            "headers": {"v": {"auth": None}},
            "list": {"v": [1, None]},
            "url": {"p": 'strict $."input"."url"', "t": "$.input.url"},
        }
    }
    assert spec["extra"] == {
        "secrets": [
            {"at": ("headers", "auth"), "parts": ["Bearer ", {"secret": "TOKEN"}]},
            {"at": ("list", 1), "parts": [{"secret": "A"}, "$", {"secret": "B"}]},
        ]
    }
    assert check_definition(found["definition"]).needs() == [
        ("secret", "A"),
        ("secret", "B"),
        ("secret", "TOKEN"),
    ]


def test_a_step_without_secrets_and_configuration_says_nothing_of_them() -> None:
    spec = compiled('{a: "$$secrets.X", b: "costs $5", c: $.input.secrets.X}')["steps"][0]["spec"]
    assert not {"extra", "config"} & spec.keys()
    assert spec["with"]["o"]["a"] == {"v": "$secrets.X"}


def test_the_configuration_that_a_step_names_stands_in_its_spec() -> None:
    found = compiled(
        '{url: "${ $config.SHOP_URL }/v1", most: "${ $config.limits.most | default(5) }"}',
        '    when: "${ $config.ON == true && $.input.n < $config.limits.n }"\n'
        '    compensate: {task: undo, with: {to: "${ $config.UNDO }"}}\n',
    )
    step, undo = found["steps"]
    assert step["spec"]["config"] == ["ON", "SHOP_URL", "limits"]
    assert undo["spec"]["config"] == ["UNDO"]
    path = step["spec"]["with"]["o"]["url"]["c"][0]
    assert path == {"p": 'strict $."config"."SHOP_URL"', "t": "$config.SHOP_URL", "g": ["SHOP_URL"]}
    names = ["ON", "SHOP_URL", "UNDO", "limits"]
    assert check_definition(found["definition"]).needs() == [("config", name) for name in names]


def test_steps_without_a_worker_see_the_configuration_and_no_secret() -> None:
    more = (
        '  - {id: b, set: {a: "${ $config.A }"}}\n'
        '  - {id: c, fail: {code: x.y, message: "${ $config.B }"}}\n'
    )
    found = compiled("{}", more)
    assert [step["spec"].get("config") for step in found["steps"]] == [None, ["A"], ["B"]]
    faults = refused("{}", more.replace("$config", "$secrets"))
    assert faults.count("for the `with` of steps and compensations alone") == 2


def test_a_compensation_has_secrets_of_its_own() -> None:
    found = compiled("{}", '    compensate: {task: undo, with: {key: "${ $secrets.UNDO }"}}\n')
    step, undo = found["steps"]
    assert "extra" not in step["spec"]
    assert undo["spec"]["extra"]["secrets"][0]["at"] == ("key",)


@pytest.mark.parametrize(
    ("with_", "fault"),
    [
        ('{a: "${ $secrets.X }/${ $.input.n }"}', "holds literals and secrets alone"),
        ('{a: "${ $config.URL }?key=${ $secrets.X }"}', "holds literals and secrets alone"),
        ('{a: "${ $secrets.X | upper }"}', "no function stands behind it"),
        ('{a: "${ $secrets.X.y }"}', "no path, no function stands behind it"),
        ('{a: "${ $secrets }"}', "write $secrets.NAME"),
        ('{a: "${ $secrets.1X }"}', "the name of a secret is a letter"),
        ('{a: "${ $secrets.../etc/passwd }"}', "the name of a secret is a letter"),
        ('{a: "${ $.input.n | default($secrets.X) }"}', "a secret stands alone"),
        ('{a: "${ $.input.a[*] ? (@ == $secrets.X) }"}', "a secret stands alone"),
        ("{a: $secrets.X}", "this would be a plain text; write ${ $secrets.NAME }"),
        ("{a: $config.X}", "this would be a plain text; write ${ $config.NAME }"),
        ('{a: "${ $config }"}', "name one value of the configuration, $config.NAME"),
        ('{a: "${ $config.first-name }"}', "name one value of the configuration, $config.NAME"),
        ("{a: $.config.X}", "write ${ $config.NAME }, without a dot behind the dollar sign"),
        ("{a: $.secrets.X}", "write ${ $secrets.NAME }, without a dot behind the dollar sign"),
        ('{a: "${ $settings.X }"}', "there is no $settings; write $.settings"),
        ('"${ $secrets.X }"', "must be an object"),
    ],
)
def test_what_cannot_work_is_refused(with_: str, fault: str) -> None:
    assert fault in refused(with_)


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ('    when: "${ $secrets.X }"\n', "for the `with` of steps and compensations alone"),
        ('output: {a: "${ $secrets.X }"}\n', "for the `with` of steps and compensations alone"),
        ('output: {a: "${ $config.X }"}\n', "an output does not see $config"),
    ],
)
def test_secrets_and_configuration_stand_in_steps_alone(more: str, fault: str) -> None:
    assert fault in refused("{}", more)
