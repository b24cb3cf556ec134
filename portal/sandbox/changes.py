"""What can happen in a store. Every change goes through here, stamps its time and tells the listeners."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from portal.sandbox.basket import charge, priced_line
from portal.sandbox.rows import Customer, Line, Note, Order, Person, Product, Refund, RefundLine
from portal.sandbox.store import REVENUE_STATUSES, Store

WALK_IN = Person(
    "Frieda", "Neu", "Lindenallee 7", "Leipzig", "", "04109", "DE", "frieda.neu@example.test", "+49 151 5550100"
)
SETTABLE = ("pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed")


class Refused(ValueError):
    """The store does not do that: `field` names the parameter that is to blame."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Wish:
    """One wanted line: a product or variation and how many of it."""

    product: Product
    quantity: int


def touch(store: Store, order: Order) -> None:
    """The order was modified now."""
    order.modified = store.clock.now()
    store.version += 1


def _reduce_stock(store: Store, lines: Sequence[Line]) -> list[Product]:
    touched = []
    for line in lines:
        product = line.product
        product.total_sales += line.quantity
        if product.managed and product.stock is not None:
            product.stock -= line.quantity
            product.modified = store.clock.now()
            touched.append(product)
    return touched


def place_order(
    store: Store,
    wishes: Sequence[Wish] = (),
    *,
    total: int | None = None,
    currency: str | None = None,
    status: str = "processing",
    customer: Customer | None = None,
    person: Person | None = None,
    via: str = "checkout",
    note: str = "",
    created: int | None = None,
) -> Order:
    """Places an order now (or at `created`); `order.created` and then `order.updated` are published.

    With `total` (cents) a fee brings the sum of the lines to exactly that. `status` is one of SETTABLE. The
    stock of managed products goes down when the order counts as a sale.
    """
    buyer = person or (customer.person if customer else WALK_IN)
    lines = [priced_line(wish.product, wish.quantity, buyer) for wish in wishes]
    moment = store.clock.now() if created is None else created
    order = Order(
        id=store.take_id(),
        status=status,
        currency=currency or store.spec.currency,
        created=moment,
        modified=store.clock.now() if created is None else created,
        customer_id=customer.id if customer else 0,
        person=buyer,
        item_base=store.take_items(len(lines) + 8),
        lines=lines,
        payment=("stripe", "Credit card (Stripe)"),
        via=via,
        note=note,
    )
    order.settle()
    if total is not None and order.total != total:
        order.fee = charge("Anpassung", total - order.total, WALK_IN._replace(country=""))
        order.settle()
    if status in REVENUE_STATUSES and status != "on-hold":
        order.paid = moment
    if status == "completed":
        order.completed = moment
    touched = _reduce_stock(store, lines) if status in REVENUE_STATUSES else []
    store.orders[order.id] = order
    store.version += 1
    store.publish("order.created", order)
    store.publish("order.updated", order)
    for product in touched:
        store.publish("product.updated", product)
    return order


def refund(
    store: Store,
    order: Order,
    amount: int,
    *,
    reason: str = "",
    lines: list[RefundLine] | None = None,
    restock: bool = False,
) -> Refund:
    """Gives back `amount` cents; the whole rest makes the order `refunded`. Raises Refused for more than is left."""
    left = order.total - order.refunded
    if amount <= 0 or amount > left:
        raise Refused("amount", "Invalid refund amount.")
    whole = amount == left
    if lines is None and whole and not order.refunds:
        lines = [RefundLine(place, line.quantity, line.total, line.total_tax) for place, line in enumerate(order.lines)]
    rows = lines or []
    made = Refund(
        id=store.take_id(),
        order_id=order.id,
        created=store.clock.now(),
        amount=amount,
        reason=reason,
        kind="full" if whole else "partial",
        item_base=store.take_items(len(rows) + 6),
        lines=rows,
        shipping=whole and order.shipping is not None and not order.refunds,
    )
    order.refunds.append(made)
    store.refunds[made.id] = made
    if whole and order.status in REVENUE_STATUSES:
        order.status = "refunded"
    touch(store, order)
    store.publish("order.updated", order)
    if restock:
        for row in rows:
            product = order.lines[row.position].product
            if product.managed and product.stock is not None:
                set_stock(store, product, product.stock + row.quantity)
    return made


def delete_refund(store: Store, row: Refund) -> None:
    """Takes a refund away; the order's modification date stays as it was, as on the real platform."""
    store.orders[row.order_id].refunds.remove(row)
    del store.refunds[row.id]
    store.version += 1


def edit_order(
    store: Store, order: Order, *, status: str | None = None, note: str | None = None, person: Person | None = None
) -> None:
    """Changes status, customer note or buyer; `order.updated` is published."""
    if status is not None and status != order.status:
        order.status = status
        if status in ("processing", "completed") and order.paid is None:
            order.paid = store.clock.now()
        if status == "completed":
            order.completed = store.clock.now()
    if note is not None:
        order.note = note
    if person is not None:
        order.person = person
    touch(store, order)
    store.publish("order.updated", order)


def add_note(store: Store, order: Order, text: str, *, to_customer: bool = False) -> Note:
    """Adds a note. It does not move the order's modification date, and no webhook is sent."""
    note = Note(store.take_id(), store.clock.now(), text, to_customer)
    order.notes.append(note)
    store.version += 1
    return note


def trash(store: Store, order: Order) -> None:
    """Moves an order to the trash; `order.deleted` is published."""
    order.status_before_trash, order.status = order.status, "trash"
    touch(store, order)
    store.publish("order.deleted", order)


def restore(store: Store, order: Order) -> None:
    """Takes an order out of the trash."""
    order.status, order.status_before_trash = order.status_before_trash or "pending", ""
    touch(store, order)
    store.publish("order.updated", order)


def force_delete(store: Store, order: Order) -> None:
    """Deletes an order and its refunds for good. No webhook is sent; it is simply a 404 afterwards."""
    for row in order.refunds:
        del store.refunds[row.id]
    del store.orders[order.id]
    store.version += 1


def bulk_edit(store: Store, orders: Iterable[Order], *, status: str | None = None) -> int:
    """Edits many orders within one second, as the bulk actions of the order list do; says which second."""
    moment = store.clock.now()
    rows = list(orders)
    for order in rows:
        if status is not None:
            order.status = status
        order.modified = moment
    store.version += 1
    for order in rows:
        store.publish("order.updated", order)
    return moment


def set_stock(store: Store, product: Product, quantity: int) -> None:
    """Sets a quantity (stock becomes managed); `product.updated` is published."""
    product.managed, product.stock, product.modified = True, quantity, store.clock.now()
    store.version += 1
    store.publish("product.updated", product)


def delete_product(store: Store, product: Product) -> None:
    """Deletes a product for good: order lines lose its id and SKU, orders are not modified."""
    owner = product.parent
    if owner is not None:
        owner.variations.remove(product)
        store.variations.pop(product.id, None)
    else:
        store.products.pop(product.id, None)
    for row in (product, *product.variations):
        row.gone = True
        store.variations.pop(row.id, None)
        store.deleted_products.append(row)
    store.version += 1
    store.publish("product.deleted", product)


def pick(rows: Iterable[Order], suits: Callable[[Order], bool]) -> Order | None:
    """The newest order that suits."""
    return next((row for row in reversed(list(rows)) if suits(row)), None)
