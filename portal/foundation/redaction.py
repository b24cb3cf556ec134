"""Keeping secrets out of texts: of every line that is logged, of the trail, of what a command says."""

from __future__ import annotations

import re

_GONE = "****"
# Repetitions are bounded: a hostile text of `_secret_secret…` must not hold a process up.
_NAMES = (
    r"consumer_key|consumer_secret|oauth_[a-z_]+|(?:[a-z]+_){0,6}(?:access|refresh|id|auth|bearer|session)_token|token|"
    r"(?:[a-z]+[_-]){0,6}api[_-]?key|apikey|(?:[a-z]+_){0,6}secret(?:_[a-z]+){0,4}|password|passwd|passphrase|signature|sig|"
    r"hmac|code_verifier|x-amz-(?:signature|credential|security-token)|awsaccesskeyid"
)
_HEADERS = r"(?:proxy-)?authorization|(?:set-)?cookie|x-shopify-access-token|x-amz-access-token|x-api-key"
# One of these words is in whatever the three patterns by name find: most texts have none, and are spared them.
_WORD = re.compile(r"(?i)key|secret|token|oauth_|passw|passphrase|sig|hmac|verifier|x-amz-|authorization|cookie")
_PAIR = re.compile(rf"(?i)(?:(?<![a-z0-9_-])|(?<=%3f)|(?<=%26))({_NAMES})(%3D|=)[^&#\s\"'<>,;)\]}}]*")
_QUOTED = re.compile(
    rf"(?i)([\"'])({_NAMES}|{_HEADERS})\1(\s*[:=,]\s*b?)([\"'])(?:\\.|(?!\4).)*\4",
)
# A cookie header has several values, each after a semicolon.
_HEADER = re.compile(
    rf"(?i)(?<![a-z0-9_-])({_HEADERS})(\s*[:=]\s*)(?:(?:basic|bearer|oauth|digest)\s+)?[^\s\"'}}\]]+"
    r"(?:(?<=;)\s+[^\s;=\"']+=[^\s\"'}\]]+)*"
)
_USER = re.compile(r"(?i)(\bhttps?://)[^/?#\s@]+@")
_SECRET_TEXT = re.compile(
    r"""(?P<kind>\b(?:ck|cs|shpat|shpss|shpca|pk_live|sk_live|sk_test|whsec)_)[\w-]{4,}
      | (?P<amazon>\bAtz[ar]\||\bamzn1\.oa2-cs\.v\d\.)[\w.|+/=-]{6,}
      | (?P<scheme>\b(?:Bearer|Basic)\s+)[\w.~+/=-]{6,}
      | (?P<jwt>\b(?-i:eyJ))[\w-]{6,}(?:\.[\w-]*){0,2}
      | (?P<user>\w://[^\s:/@]*:)[^\s@/]+(?=@)
      | (?P<named>\b(?:password|secret|consumer_secret|consumer_key|access_token|refresh_token|token
          |oauth_signature|signature|code)=)[^\s&"'\\]+
      | (?P<path>(?-i:/(?:invitation|webhooks/[a-z]+)/))[\w-]{8,}""",
    re.IGNORECASE | re.VERBOSE,
)


def redact(text: str) -> str:
    """`text` without whatever looks like a key, token, signature or password, and without the values of secret query
    parameters, JSON or repr fields, headers and URL users; the rest is left alone."""
    if not _may_hold_secret(text):
        return text
    if _WORD.search(text) is not None:
        text = _QUOTED.sub(rf"\1\2\1\3\4{_GONE}\4", text)
        text = _PAIR.sub(rf"\1\2{_GONE}", text)
        text = _HEADER.sub(rf"\1\2{_GONE}", text)
    text = _SECRET_TEXT.sub(lambda found: f"{found[str(found.lastgroup)]}{_GONE}", text)
    return _USER.sub(rf"\1{_GONE}@", text) if "://" in text else text


def _may_hold_secret(text: str) -> bool:
    """Every pattern needs one of these, and much of what is logged has none: ten times quicker."""
    return (
        "_" in text
        or "=" in text
        or " " in text
        or ":" in text
        or "," in text
        or "eyJ" in text
        or "|" in text
        or "amzn1" in text
        or "%3" in text
        or "/invitation/" in text
        or "/webhooks/" in text
    )
