"""The formats that values of records may have, by the names that definitions give them."""

from ...engine.errors import SettingsError
from ...engine.settings import Settings
from .records import Format, JsonFormat


def format_of(name: str, settings: Settings) -> Format:
    """Return what reads values of a format.

    Raises SettingsError where it needs a registry that is not named, or what is not installed.
    """
    match name:
        case "json":
            return JsonFormat()
        case "avro" | "protobuf":
            from .registry import AvroFormat, ProtobufFormat

            return AvroFormat(settings) if name == "avro" else ProtobufFormat(settings)
        case _:
            raise SettingsError(
                f"records of the format {name!r} are not known to this release; upgrade the relay"
            )
