"""`/customers`: page them by id, dates do not filter here."""

from __future__ import annotations

from hashlib import sha256

from portal.sandbox.rows import Customer, Person
from portal.sandbox.store import Store
from portal.sandbox.woocommerce.call import Call, Reply, links
from portal.sandbox.woocommerce.errors import ApiError, Json, bad_request
from portal.sandbox.woocommerce.listing import fields_of, listing, narrowed

ORDERBY = ("id", "include", "name", "registered_date")


def customer_json(store: Store, customer: Customer) -> Json:
    """A customer; the shipping address knows the name and the town only."""
    person, clock = customer.person, store.clock
    place: Json = {
        "first_name": person.first_name, "last_name": person.last_name, "company": "", "address_1": person.street,
        "address_2": "", "city": person.city, "postcode": person.postcode, "country": person.country,
        "state": person.state,
    }  # fmt: skip
    path = f"customers/{customer.id}"
    return {
        "id": customer.id, "date_created": clock.iso(customer.created),
        "date_created_gmt": clock.gmt(customer.created), "date_modified": clock.iso(customer.modified),
        "date_modified_gmt": clock.gmt(customer.modified), "email": person.email, "first_name": person.first_name,
        "last_name": person.last_name, "role": "customer", "username": customer.username,
        "billing": {**place, "email": person.email, "phone": person.phone},
        "shipping": {**place, "address_1": "", "postcode": "", "state": "", "phone": ""},
        "is_paying_customer": customer.paying,
        "avatar_url": f"https://secure.gravatar.com/avatar/{sha256(person.email.lower().encode()).hexdigest()}?s=96",
        "meta_data": [], "_links": links(f"{store.site_url}/wp-json/wc/v3", path),
    }  # fmt: skip


def list_customers(call: Call) -> Reply:
    """A page of customers. `modified_after` is silently ignored and `orderby=modified` refused, as in reality."""
    params = call.params
    include, exclude = params.ids("include"), params.ids("exclude") or []
    orderby = params.choice("orderby", "name", ORDERBY)
    descending = params.choice("order", "asc", ("asc", "desc")) == "desc"
    params.check()
    email, search = params.values.get("email", "").lower(), params.values.get("search", "").lower()
    rows = [
        row
        for row in call.store.customers.values()
        if (include is None or row.id in include)
        and row.id not in exclude
        and (not email or row.person.email.lower() == email)
        and search in f"{row.person.email} {row.username}".lower()
    ]
    if orderby == "name":
        rows.sort(key=lambda row: (row.username, row.id), reverse=descending)
    elif orderby == "registered_date":
        rows.sort(key=lambda row: (row.created, row.id), reverse=descending)
    else:
        rows.sort(key=lambda row: row.id, reverse=descending)
    return listing(call, rows, lambda row: customer_json(call.store, row))


def _wanted(call: Call) -> Customer:
    customer = call.store.customers.get(call.numbers[0])
    if customer is None:
        raise ApiError(404, "wc_user_invalid_id", "Invalid user ID.")
    return customer


def get_customer(call: Call) -> Reply:
    """One customer."""
    return Reply(narrowed(customer_json(call.store, _wanted(call)), fields_of(call)))


def create_customer(call: Call) -> Reply:
    """Creates a customer from `email`, `first_name`, `last_name`."""
    body, store = call.body, call.store
    email = str(body.get("email", ""))
    if "@" not in email:
        raise bad_request("rest_missing_callback_param", "Missing parameter(s): email", params=["email"])
    if any(row.person.email.lower() == email.lower() for row in store.customers.values()):
        raise bad_request(
            "registration-error-email-exists",
            f"An account is already registered with {email}. Please log in or use a different email address.",
        )
    number, now = max(store.customers, default=1) + 1, store.clock.now()
    person = Person(str(body.get("first_name", "")), str(body.get("last_name", "")), "", "", "", "", "", email, "")
    customer = Customer(number, person, email.partition("@")[0], now, now)
    store.customers[number] = customer
    store.version += 1
    store.publish("customer.created", customer)
    return Reply(customer_json(call.store, customer), 201, {"Location": f"{call.rest}/customers/{number}"})


def delete_customer(call: Call) -> Reply:
    """Deletes a customer; without `force=true` it is a 501, for customers have no trash."""
    customer = _wanted(call)
    if not call.params.boolean("force"):
        raise ApiError(501, "woocommerce_rest_trash_not_supported", "Customers do not support trashing.")
    before = customer_json(call.store, customer)
    del call.store.customers[customer.id]
    call.store.version += 1
    return Reply(before)
