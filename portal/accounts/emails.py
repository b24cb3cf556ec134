"""E-mail addresses as accounts are named by."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email

from portal.foundation.errors import Invalid


def normal_email(text: str, *, field: str = "email") -> str:
    """The address in lower case. Raises `Invalid` when it is none (its domain is not looked up)."""
    try:
        found = validate_email(text.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise Invalid("The e-mail address is not right.", {field: f"is not an e-mail address: {error}"}) from None
    return found.normalized.lower()


def as_typed(text: str) -> str:
    """What a sign-in looks an account up by: never raises."""
    return text.strip().lower()[:254].replace("\x00", "")
