"""The one place where credentials are masked, before a text is stored, logged, answered or printed.

Two ways: by the form in which credentials stand (URLs, connection strings, headers, fields named
like one), and by the secrets that our own settings brought, or that definitions name, wherever and
in whatever spelling they stand. Nothing is bounded here, and no text takes longer than its length
demands: every repetition is possessive, of bounded length, or ends where the next begins.
"""

import html
import json
import re
import threading
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, cast
from urllib.parse import quote, quote_plus, unquote

import msgspec

MASK = "***"

_NAMES = (
    r"password|passwd|passphrase|pwd|secret|token(?!s)|credential|signature"
    r"|(?:api|access|private|account)[_-]?key"
)
_HEADERS = r"(?:proxy-)?authorization|x-[a-z-]{0,30}(?:key|token|secret|signature)"
_SEPARATOR = r"""(?:['"]\s{0,3}+[:=,]\s{0,3}+b?+|\s{0,3}+[:=]\s{0,3}+)"""
_HINTS = (
    *("pass", "pwd", "secret", "token", "credential", "signature", "sig=", "auth="),
    *("_key", "-key", "key=", "ikey", "skey", "ekey", "tkey"),
)
"""Of these one stands in each text that has a field to be masked."""
_HEADER_HINTS = ("authorization", "cookie", "bearer", "x-")

_QUOTED = (
    r"""'[^'\\]*+(?:\\[\s\S][^'\\]*+)*+'|"[^"\\]*+(?:\\[\s\S][^"\\]*+)*+\""""
    r"""|['"](?=\w)[\s\S]*+"""  # cut off before its end
)
_CLOSING = r"""&,;)\]}>'\""""
# What closes a value may stand in it as well: it closes where an end or another field follows.
_WORD = (
    rf"(?:[^\s\\{_CLOSING}]++|\\[\s\S]"
    rf"|[{_CLOSING}](?![{_CLOSING}:.]{{0,8}}(?:\s|\Z|[\w.-]{{1,40}}=)))++"
)

_DONE = rf"(?!\*{{3}}(?:[\s{_CLOSING}]|\Z))"

_FIELD = re.compile(
    rf"""(?i)((?:(?:{_NAMES})[\w-]{{0,20}}|(?<![a-z])pass|(?<=[?&])(?:key|sig|auth))"""
    r"""(?:['"]?\s{0,3}+=(?!=)\s{0,3}+|['"]\s{0,3}+:\s{0,3}+|\s{1,3}(?=')))"""
    rf"""{_DONE}(?:\\(['"])[\s\S]*?\\\2|{_QUOTED}|{_WORD})"""
)
_HEADER = re.compile(
    rf"(?i)((?<![\w?&-])(?:{_HEADERS}){_SEPARATOR})"
    rf"{_DONE}(?:{_QUOTED}|(?:digest|aws4|oauth|hawk|signature)[^\r\n]++"
    r"""|(?:basic|bearer|negotiate|ntlm|token|apikey)[ ]+[^\s'"]++|[^\s'"]++)"""
)
_COOKIE = re.compile(rf"(?i)((?<![\w-])(?:set-)?cookie{_SEPARATOR}){_DONE}(?:{_QUOTED}|[^\r\n]++)")
_BEARER = re.compile(r"(?i)\b(bearer[ ]+)(?=[^\s\d]*+\d)[\w.~+/=-]++")
_SECRET_NAME = re.compile(
    rf"(?i)(?:{_NAMES})[\w-]{{0,20}}\Z|^(?:pass|(?:set-)?cookie|{_HEADERS})\Z"
)

_TOKEN = re.compile(r"""(?:[^\s<>'"]++|(?<=\w)['"](?=\w))++""")
_STRING_OR_NUMBER = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|-?[0-9][0-9.eE+-]*+')
_LITERAL = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"(\s*+:)?')

_COMMON = frozenset({"onceflow", "postgres", "postgresql", "localhost", "password", "secret"})
"""Words that say more where they are not a password than they hide where they are one."""
_SHORTEST = 4
"""Characters of a secret that is masked at all: of a shorter one every text is full."""
_ANYWHERE = 8
"""Characters of a named secret that is masked within longer words too, and encoded in base64."""


class _Spelling(NamedTuple):
    """How a secret may be written, the pattern to be masked where it is, and what stands there."""

    text: str
    pattern: re.Pattern[str]
    mask: str


_lock = threading.Lock()
_known: tuple[_Spelling, ...] = ()


def masked(text: str) -> str:
    """Return ``text`` without the credentials in it."""
    for known in _known:
        if known.text in text:
            text = known.pattern.sub(known.mask, text)
    if "://" in text:
        text = _TOKEN.sub(_masked_token, text)
    lower = text.lower()
    if any(hint in lower for hint in _HINTS):
        text = _FIELD.sub(rf"\1{MASK}", text)
    if any(hint in lower for hint in _HEADER_HINTS):
        for pattern in (_HEADER, _COOKIE, _BEARER):
            text = pattern.sub(rf"\1{MASK}", text)
    return text


def masked_json(text: bytes) -> bytes:
    """Return JSON text without the credentials in its strings, JSON as before.

    A string is also masked whole where the name before it is one of a credential.
    """
    after_name = False

    def one(found: re.Match[str]) -> str:
        nonlocal after_name
        literal, is_name = found[0], found[1] is not None
        whole, after_name = after_name and not is_name, False
        if whole:
            return f'"{MASK}"'
        said = json.loads(literal.removesuffix(found[1] or ""))
        after_name = is_name and _SECRET_NAME.search(said) is not None
        told = masked(said)
        return literal if told == said else json.dumps(told) + (found[1] or "")

    return _LITERAL.sub(one, text.decode()).encode()


def masked_value(value: object) -> Any:
    """Return a value of lists, mappings and texts with its texts masked."""
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, Mapping):
        given = cast("Mapping[Any, Any]", value)
        return {
            masked_value(name): MASK if _hides(name, inner) else masked_value(inner)
            for name, inner in given.items()
        }
    if isinstance(value, list | tuple):
        return [masked_value(inner) for inner in cast("list[Any]", value)]
    return value


def is_secret_name(name: str) -> bool:
    """Return whether a value is most likely a secret by its name."""
    return _SECRET_NAME.search(name) is not None


def masked_url(url: str) -> str:
    """Return a text that is perhaps no URL without user, password, and what its query says.

    Of a text that cannot be read all before an @ may be one of them.
    """
    found = re.match(r"[A-Za-z][A-Za-z0-9+.-]*+://", url)
    scheme = found[0] if found else ""
    rest, *query = re.split(r"[?#]", url[len(scheme) :].rpartition("@")[2], maxsplit=1)
    return f"{scheme}{rest}{'?…' * bool(query)}"


def keep_secret(secret: str, *, told: Iterable[str] = ()) -> None:
    """Have ``secret`` masked from now on, in whatever spelling it stands.

    Not where it is one of the texts ``told``, which no error can do without (a user or a host), nor
    where it is too short or too common a word to be known for a password.
    """
    if len(secret) < _SHORTEST or secret in {*_COMMON, *told} or secret.isdigit():
        return
    bound = secret.isalpha() or len(secret) < 6
    _remember(_spelling(text, MASK, bound=bound) for text in _spellings(secret))


def keep_named_secret(name: str, secret: str) -> None:
    """Have a secret that definitions name masked from now on; what stands there names it.

    Not where it is too short or too common a word, which only those who were given it mask.
    """
    if secret not in _COMMON and not (secret.isdigit() and len(secret) < _ANYWHERE):
        _remember(_named_spellings(name, secret))


class SecretMask:
    """Masks the secrets that an attempt was given, by name, in all that it answers.

    Those of less than ``_SHORTEST`` characters are not masked. ``told`` are the names of those that
    stood in what was masked.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self.told: set[str] = set()
        self.too_short = sorted(n for n, secret in secrets.items() if len(secret) < _SHORTEST)
        self._numbers = {secret: name for name, secret in secrets.items() if secret.isdigit()}
        spelled = [(name, one) for name, s in secrets.items() for one in _named_spellings(name, s)]
        self._spelled = sorted(spelled, key=lambda of: -len(of[1].text))

    def text(self, text: str) -> str:
        """Return ``text`` with names in place of secrets."""
        for name, spelling in self._spelled:
            if spelling.text in text:
                text, found = spelling.pattern.subn(spelling.mask, text)
                if found:
                    self.told.add(name)
        return text

    def json(self, text: bytes) -> bytes:
        """Return JSON text with its strings, and numbers that are secrets, masked."""
        given = text.decode()
        if "\\" not in given and not self._numbers and self.text(given) == given:
            return text  # nothing is escaped, so a secret in it would have been seen
        return _with_literals(given, self._literal).encode()

    def value(self, value: Any) -> Any:
        """Return a value of lists, mappings, texts and ready JSON with its texts masked."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, msgspec.Raw):
            return msgspec.Raw(self.json(bytes(value)))
        if isinstance(value, dict):
            given = cast("dict[Any, Any]", value)
            return {self.value(name): self.value(inner) for name, inner in given.items()}
        if isinstance(value, list):
            return [self.value(inner) for inner in cast("list[Any]", value)]
        return value

    def _literal(self, literal: str) -> str:
        if not literal.startswith('"'):
            name = self._numbers.get(literal)
            if name is None or len(literal) < _SHORTEST:
                return literal
            self.told.add(name)
            return json.dumps(_name_mask(name))
        said = json.loads(literal)
        told = self.text(said)
        return literal if told == said else json.dumps(told)


def keep_dsn(dsn: str) -> None:
    """Have the passwords of a connection string of Postgres masked from now on."""
    if not dsn:
        return
    import psycopg  # here: what needs no database does not wait for it
    from psycopg.conninfo import conninfo_to_dict

    try:
        given = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        return  # nobody can use it, and what libpq says of it nobody repeats
    told = [str(given.get(name) or "") for name in ("user", "dbname", "host")]
    for name in ("password", "sslpassword"):
        keep_secret(str(given.get(name) or ""), told=told)
    # Where an @ of the password is not written %40, libpq takes what follows it for a host.
    before, at, _ = told[2].rpartition("@")
    if at:
        _remember([_spelling(before + at, MASK, bound=False)])


def keep_url(url: str) -> None:
    """Have the password of a URL masked from now on; its scheme may be left out."""
    login = url.partition("://")[2] or url
    user, colon, password = login.rpartition("@")[0].partition(":")
    if colon:
        keep_secret(unquote(password), told=[user])


def _masked_token(found: re.Match[str]) -> str:
    """Mask user and password of each URL in a text without spaces."""
    first, *others = found[0].split("://")
    if not others:
        return first
    return "://".join([first, *map(_without_login, others)])


def _without_login(rest: str) -> str:
    login, at, place = rest.rpartition("@")
    # Of a password anything is taken, however badly written; of a user nothing that ends a host.
    if not at or re.search(r"[/?#]", login.partition(":")[0]):
        return rest
    return f"{MASK}@{place}"


def _hides(name: object, value: object) -> bool:
    return isinstance(name, str) and isinstance(value, str) and is_secret_name(name)


def _spellings(secret: str) -> set[str]:
    """Return how a secret is spelled in URLs, connection strings, JSON and Python."""
    quoted = {quote(secret, safe=""), quote(secret), quote_plus(secret)}
    quoted |= {re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), text) for text in quoted}
    escaped = secret.replace("\\", "\\\\")
    spelled = {secret, escaped, escaped.replace("'", "\\'"), repr(secret)[1:-1]}
    return (
        quoted | spelled | {json.dumps(secret, ensure_ascii=plain)[1:-1] for plain in (True, False)}
    )


def _name_mask(name: str) -> str:
    return f"[$secrets.{name}]"


@lru_cache(maxsize=256)
def _named_spellings(name: str, secret: str) -> tuple[_Spelling, ...]:
    """Return how a secret that definitions name may be written, encoded too."""
    mask = _name_mask(name)
    spelled: list[_Spelling] = []
    for each in {secret, secret.strip()}:
        if len(each) < _SHORTEST:
            continue
        texts = {*_spellings(each), html.escape(each), html.escape(each, quote=False)}
        texts |= {json.dumps(text)[1:-1] for text in texts}  # JSON in a string of JSON
        texts |= {text.replace("/", "\\/") for text in texts}
        spelled += [_spelling(text, mask, bound=len(each) < _ANYWHERE) for text in texts]
        if len(each) >= _ANYWHERE:
            spelled += _in_base64(each, mask)
    return tuple(spelled)


def _in_base64(secret: str, mask: str) -> Iterator[_Spelling]:
    """Yield how a secret is written in base64, wherever in what was encoded it stood."""
    raw = secret.encode()
    for shift in range(3):
        text = b64encode(bytes(shift) + raw).decode()
        # The letters at its ends hold bits of what stands beside it.
        first, last = -(-shift * 8 // 6), (shift + len(raw)) * 8 // 6
        before = "[A-Za-z0-9+/_-]?" if shift else ""
        after = "[A-Za-z0-9+/_-]?=*" if (shift + len(raw)) % 3 else ""
        core = text[first:last]
        for one in {core, core.replace("+", "-").replace("/", "_"), core.replace("/", "\\/")} | {
            quote(core, safe="")
        }:
            yield _Spelling(one, re.compile(f"{before}{re.escape(one)}{after}"), mask)


def _spelling(text: str, mask: str, *, bound: bool) -> _Spelling:
    pattern = re.escape(text)
    return _Spelling(text, re.compile(rf"(?<!\w){pattern}(?!\w)" if bound else pattern), mask)


def _with_literals(text: str, change: Callable[[str], str]) -> str:
    """Return JSON text with each of its strings and numbers changed."""
    return _STRING_OR_NUMBER.sub(lambda found: change(found[0]), text)


def _remember(spellings: Iterable[_Spelling]) -> None:
    global _known
    with _lock:
        known = {one.text: one for one in _known}
        new = {one.text: one for one in spellings if one.text not in known}
        if new:
            # The longest first: one spelling may be part of another.
            _known = tuple(sorted([*_known, *new.values()], key=lambda one: -len(one.text)))
