"""The one place where credentials are masked, before a text is stored, logged, answered or printed.

Two ways: by the form in which credentials stand (URLs, connection strings, headers, fields named
like one), and by the secrets that our own settings brought, wherever and in whatever spelling they
stand. Nothing is bounded here, and no text takes longer than its length demands: every repetition
is possessive, of bounded length, or ends where the next begins.
"""

import json
import re
import threading
from collections.abc import Iterable, Mapping
from typing import Any, cast
from urllib.parse import quote, quote_plus, unquote

import psycopg
from psycopg.conninfo import conninfo_to_dict

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
_LITERAL = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"(\s*+:)?')

_COMMON = frozenset({"onceflow", "postgres", "postgresql", "localhost", "password", "secret"})
"""Words that say more where they are not a password than they hide where they are one."""
_SHORTEST = 4

_lock = threading.Lock()
_known: tuple[tuple[str, re.Pattern[str]], ...] = ()


def masked(text: str) -> str:
    """Return ``text`` without the credentials in it."""
    for spelling, pattern in _known:
        if spelling in text:
            text = pattern.sub(MASK, text)
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
    _remember(_spellings(secret), bound=secret.isalpha() or len(secret) < 6)


def keep_dsn(dsn: str) -> None:
    """Have the passwords of a connection string of Postgres masked from now on."""
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
        _remember({before + at}, bound=False)


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
    return isinstance(name, str) and isinstance(value, str) and bool(_SECRET_NAME.search(name))


def _spellings(secret: str) -> set[str]:
    """Return how a secret is spelled in URLs, connection strings, JSON and Python."""
    quoted = {quote(secret, safe=""), quote(secret), quote_plus(secret)}
    quoted |= {re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), text) for text in quoted}
    escaped = secret.replace("\\", "\\\\")
    spelled = {secret, escaped, escaped.replace("'", "\\'"), repr(secret)[1:-1]}
    return (
        quoted | spelled | {json.dumps(secret, ensure_ascii=plain)[1:-1] for plain in (True, False)}
    )


def _remember(spellings: set[str], *, bound: bool) -> None:
    global _known
    with _lock:
        known = dict(_known)
        for text in spellings - known.keys():
            pattern = re.escape(text)
            known[text] = re.compile(rf"(?<!\w){pattern}(?!\w)" if bound else pattern)
        # The longest first: one spelling may be part of another.
        _known = tuple(sorted(known.items(), key=lambda one: -len(one[0])))
