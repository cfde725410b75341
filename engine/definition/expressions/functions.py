"""The functions behind pipes. onceflow.evaluate_function (SQL) is what carries them out."""

from dataclasses import dataclass

from ...json_text import Json


@dataclass(frozen=True, slots=True)
class Function:
    """A function behind a pipe: how many arguments it takes, and what it makes of its value."""

    arguments: int
    meaning: str
    text_argument: bool = False

    def argument_fault(self, argument: Json) -> str | None:
        """Return what is wrong with an argument written as a literal, or None."""
        if self.text_argument and not isinstance(argument, str):
            return "needs a string as its argument"
        return None


FUNCTIONS: dict[str, Function] = {
    "default": Function(1, "the value, or the argument where the path finds nothing or null"),
    "upper": Function(0, "a string in upper case"),
    "lower": Function(0, "a string in lower case"),
    "trim": Function(0, "a string without white space at both ends"),
    "length": Function(0, "the characters of a string, items of an array, members of an object"),
    "string": Function(0, "a string as it is; a number or a boolean as its JSON text"),
    "number": Function(0, "a number as it is; a string as the number that it spells"),
    "json": Function(0, "any value as JSON text"),
    "join": Function(1, "an array's strings, numbers and booleans as one string", True),
    "first": Function(0, "the first item of an array that has one"),
    "last": Function(0, "the last item of an array that has one"),
    "sum": Function(0, "the sum of an array of numbers, exactly; 0 for none"),
    "keys": Function(0, "an object's keys as an array, in order"),
}
