"""The platform's error bodies, word for word as a real store sends them."""

from __future__ import annotations

Json = dict[str, object]


class ApiError(Exception):
    """An error answer: HTTP status and the body `{"code", "message", "data"}`."""

    def __init__(self, status: int, code: str, message: str, data: object = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers: dict[str, str] = {}
        self.body: Json = {
            "code": code,
            "message": message,
            "data": {"status": status} if data is None else data,
        }


def cannot(action: str) -> ApiError:
    """No (known) key: `list`, `view`, `create`, `edit` or `delete` is refused with 401."""
    if action == "list":
        return ApiError(401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")
    if action == "view":
        return ApiError(401, "woocommerce_rest_cannot_view", "Sorry, you cannot view this resource.")
    if action == "create":
        return ApiError(401, "woocommerce_rest_cannot_create", "Sorry, you are not allowed to create resources.")
    return ApiError(401, f"woocommerce_rest_cannot_{action}", f"Sorry, you are not allowed to {action} this resource.")


def authentication(message: str) -> ApiError:
    """A wrong secret, a wrong signature, or a key without the needed permission: 401, never 403."""
    return ApiError(401, "woocommerce_rest_authentication_error", message)


def no_route() -> ApiError:
    """An unknown path, namespace or method: 404."""
    return ApiError(404, "rest_no_route", "No route was found matching the URL and request method.")


def invalid_id(resource: str) -> ApiError:
    """There is no such row: 404. `resource` is the platform's name, such as `shop_order`."""
    return ApiError(404, f"woocommerce_rest_{resource}_invalid_id", "Invalid ID.")


def bad_request(code: str, message: str, **data: object) -> ApiError:
    """A refused write: 400."""
    return ApiError(400, code, message, {"status": 400, **data})


def invalid_json() -> ApiError:
    """A body that is no JSON: 400."""
    return ApiError(
        400,
        "rest_invalid_json",
        "Invalid JSON body passed.",
        {"status": 400, "json_error_code": 4, "json_error_message": "Syntax error"},
    )


def invalid_params(problems: dict[str, tuple[str, str]]) -> ApiError:
    """Query values that do not pass: parameter name -> (code, message)."""
    return ApiError(
        400,
        "rest_invalid_param",
        "Invalid parameter(s): " + ", ".join(problems),
        {
            "status": 400,
            "params": {name: message for name, (_, message) in problems.items()},
            "details": {
                name: {"code": code, "message": message, "data": None} for name, (code, message) in problems.items()
            },
        },
    )


def listed(words: tuple[str, ...]) -> str:
    """ "a, b, and c", as the platform enumerates allowed values."""
    if len(words) < 2:
        return "".join(words)
    if len(words) == 2:
        return " and ".join(words)
    return ", ".join(words[:-1]) + ", and " + words[-1]
