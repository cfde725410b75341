"""A path that can find nothing, as the input's schema and the steps say, is refused at deploy."""

import pytest

from onceflow.engine.errors import DefinitionError

from ..support import compile_yaml

INPUT = """
input:
  type: object
  additionalProperties: false
  properties:
    customer: {type: string, minLength: 1}
    lines: {type: array, items: {type: object}}
    address: {$ref: "#/$defs/address"}
    more: {type: object, properties: {a: {type: number}}}
    either: {type: [object, "null"], properties: {a: {}}, additionalProperties: false}
    any: {anyOf: [{type: string}, {type: object}]}
    loop: {$ref: "#/$defs/loop"}
  $defs:
    address: {type: object, properties: {town: {type: string}}, additionalProperties: false}
    loop: {type: object, properties: {next: {$ref: "#/$defs/loop"}}}
"""
STEPS = """
steps:
  - id: kept
    set:
      total: 1
      of: $.input.address
      text: a ${ $.input.customer }
      rows: [1]
      lines: $.input.lines[*]
  - id: copy
    set: $.steps.kept.output
  - id: asked
    set: ${ $.input.customer | length }
  - id: task
    task: work
  - id: given
    set: {a: 1}
    on_failure: continue
    default: {b: 1}
  - id: group
    steps:
      - {id: inner, set: {a: 1}}
    output: {made: $.steps.inner.output}
  - id: both
    parallel:
      one: [{id: p, set: {a: 1}}]
      two: [{id: q, task: work}]
  - id: race
    race:
      - {id: north, task: work}
      - {id: south, task: work}
  - id: all
    for_each: [1]
    steps: [{id: s, task: work}]
  - id: last
    set: PATH
"""

FAULTY = {
    "$.input.custmer": "$.input has no 'custmer', it has customer, lines, address, more, either, "
    "any or loop; did you mean 'customer'?",
    '$.input.custmer | default("x")': "did you mean 'customer'?",
    "$.input.customer.name": "$.input.customer is of type string, and has no member 'name'",
    "$.input.lines.sku": "is an array, and has no member 'sku'; write [0] for an item, [*] for all",
    "$.input.address.twon": "$.input.address has no 'twon', it has town; did you mean 'town'?",
    "$.input.more.a.b": "$.input.more.a is of type number",
    "$.input.either.b": "$.input.either has no 'b'",
    "$.input.lines[*] ? (@.sku == $.input.custmer)": "$.input has no 'custmer'",
    "$.input.lines | each(@.sku == $.input.custmer)": "$.input has no 'custmer'",
    "$.steps.kept.output.totl": "$.steps.kept.output has no 'totl', it has total, of, text, rows "
    "or lines; did you mean 'total'?",
    "$.steps.kept.output.of.twon": "$.steps.kept.output.of has no 'twon'",
    "$.steps.kept.output.text.x": "is of type string",
    "$.steps.kept.output.lines.x": "is an array",
    "$.steps.copy.output.of.twon": "$.steps.copy.output.of has no 'twon'",
    "$.steps.group.output.a": "$.steps.group.output has no 'a', it has made",
    "$.steps.group.output.made.b": "$.steps.group.output.made has no 'b'",
    "$.steps.both.output.three": "has no 'three', it has one or two",
    "$.steps.both.output.one.b": "$.steps.both.output.one has no 'b'",
    "$.steps.race.output.price": "has no 'price', it has winner or output",
    "$.steps.all.output.a": "$.steps.all.output is an array",
}
SOUND = [
    "$.input.customer.size()",
    "$.input.lines[0].sku",
    "$.input.address.town",
    "$.input.more.b.c",
    "$.input.either.a.x",
    "$.input.any.x",
    "$.input.loop.next.next.x",
    "$.input.**.x",
    "$.steps.asked.output.x",
    "$.steps.task.output.x",
    "$.steps.given.output.b",
    "$.steps.both.output.two.x",
    "$.steps.race.output.output.x",
    "$.steps.all.output[0].x",
    "$.steps.kept.output.lines[0].x",
]


def definition(path: str) -> str:
    return f"name: flow\n{INPUT}{STEPS.replace('PATH', repr(path))}"


@pytest.mark.parametrize("path", FAULTY)
def test_a_path_to_what_cannot_be_there_is_refused_with_its_place(path: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        compile_yaml(definition(path))
    (fault,) = refused.value.faults
    assert FAULTY[path] in fault.message
    assert (fault.pointer, fault.position) == ("/steps/9/set", refused.value.faults[0].position)
    assert fault.position is not None


@pytest.mark.parametrize("path", SOUND)
def test_a_path_to_what_may_be_there_is_taken(path: str) -> None:
    compile_yaml(definition(path))


@pytest.mark.parametrize(
    "schema",
    [
        "{type: object, additionalProperties: false, patternProperties: {a: {}}}",
        "{type: object, properties: {b: {}}}",
        "{allOf: [{properties: {b: {}}, additionalProperties: false}]}",
        "{properties: {b: {}}}",
    ],
)
def test_of_what_is_not_known_nothing_is_said(schema: str) -> None:
    compile_yaml(f"name: flow\ninput: {schema}\nsteps: [{{id: a, set: $.input.c.d}}]")


def test_a_faulty_schema_is_told_and_ends_nothing() -> None:
    with pytest.raises(DefinitionError):
        compile_yaml(
            "name: flow\ninput: {type: 7, properties: [a], additionalProperties: false}\n"
            "steps: [{id: a, set: $.input.c.d}]"
        )
