"""One store: its rows, what they are found by, and who hears of changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from random import Random

from portal.sandbox import catalog, history, words
from portal.sandbox.basket import Basket
from portal.sandbox.clock import DAY, StoreClock
from portal.sandbox.faults import Faults
from portal.sandbox.rows import Coupon, Customer, Order, Product, Refund, Return, Webhook
from portal.sandbox.spec import SandboxStoreSpec

Listener = Callable[[str, Product | Order | Customer], None]
Fate = Callable[[], tuple[str, float]]
"""What happens to the next webhook: `dropped`, `doubled`, `delayed` by so many seconds; empty for nothing."""
_DAYS_OF_COVER = (30, 2, 45, 6, 0, 25, 400, 60, 12, 35, 90, 20)
REVENUE_STATUSES = frozenset({"processing", "completed", "on-hold", "refunded"})


def _nothing() -> tuple[str, float]:
    return "", 0.0


class Store:
    """All rows of one store in memory. Deterministic by seed, number of orders and the present it is given."""

    def __init__(self, spec: SandboxStoreSpec) -> None:
        self.spec = spec
        self.clock = StoreClock(spec.timezone, spec.now)
        self.site_url = f"http://127.0.0.1/{spec.name}"
        self.version = 0
        self.faults = Faults()
        self.keys_revoked = False
        self.listeners: list[Listener] = []
        self.fate: Fate = _nothing
        self.products: dict[int, Product] = {}
        self.variations: dict[int, Product] = {}
        self.customers: dict[int, Customer] = {}
        self.coupons: dict[int, Coupon] = {}
        self.orders: dict[int, Order] = {}
        self.refunds: dict[int, Refund] = {}
        self.returns: dict[int, list[Return]] = {}  # by order; those of the history follow from its refunds
        self.webhooks: dict[int, Webhook] = {}
        self.deleted_products: list[Product] = []
        self.deliveries: list[dict[str, object]] = []
        self._next_id = 1
        self._next_item = 1
        self._next_webhook = 1
        self._build()

    def __getstate__(self) -> dict[str, object]:
        """What is kept on disk: the rows, not who listens, nor planned faults."""
        return {**self.__dict__, "listeners": [], "faults": Faults(), "fate": _nothing, "deliveries": []}

    def __setstate__(self, kept: dict[str, object]) -> None:
        """What was kept; a release before returns kept none."""
        self.__dict__.update({"returns": {}, **kept})

    def _build(self) -> None:
        now, rng = self.clock.now(), Random(f"{self.spec.seed}:catalogue")
        count = catalog.product_count(self.spec.orders)
        rows = catalog.make_products(rng, count + 3, now)
        # The last three were sold once and are gone today: their order lines have product 0 and no SKU.
        self.deleted_products, rows = rows[-3:], rows[:-3]
        for product in self.deleted_products:
            product.gone = True
        for product in rows:
            self.add_product(product)
        self._next_id = rows[-1].id + 200
        for customer in catalog.make_customers(rng, catalog.customer_count(self.spec.orders), now):
            self.customers[customer.id] = customer
        for coupon in catalog.make_coupons(self._next_id, now):
            self.coupons[coupon.id] = coupon
        self._next_id += 100
        for hook in self.spec.webhooks:
            number = self.take_webhook_id()
            self.webhooks[number] = Webhook(number, hook.topic, hook.topic, hook.delivery_url, hook.secret, now)
        history.fill(self)
        self._stock_up()

    def basket(self) -> Basket:
        """What fills the orders of the history, by the habits of the platform."""
        if self.spec.platform == "shopify":
            from portal.sandbox.shopify.basket import ShopifyBasket

            return ShopifyBasket(self)
        if self.spec.platform == "amazon":
            from portal.sandbox.amazon.basket import AmazonBasket

            return AmazonBasket(self)
        return Basket(self)

    def add_product(self, product: Product) -> None:
        """Puts a product and its variations into the catalogue."""
        self.products[product.id] = product
        for variation in product.variations:
            self.variations[variation.id] = variation

    def sellables(self) -> list[Product]:
        """Simple products and variations that exist today."""
        return catalog.sellables(list(self.products.values()))

    def units_sold(self, since: int) -> dict[int, int]:
        """Units by product or variation id on orders that count as sales, created since a moment."""
        units: dict[int, int] = defaultdict(int)
        for order in self.orders.values():
            if order.created >= since and order.status in REVENUE_STATUSES:
                for line in order.lines:
                    units[line.product.id] += line.quantity
        return units

    def _stock_up(self) -> None:
        """Quantities from the last 30 days' sales, so that every severity is there: out, hours, days, weeks, years."""
        now = self.clock.now()
        recent, ever = self.units_sold(now - 30 * DAY), self.units_sold(0)
        rows = self.sellables()
        for product in rows:
            product.total_sales = ever.get(product.id, 0)
            if product.parent:
                product.parent.total_sales += product.total_sales
        # By rank: a rarely sold product cannot have two days of cover, half a unit does not exist.
        managed = sorted((row for row in rows if row.managed), key=lambda row: (-recent.get(row.id, 0), row.id))
        for rank, product in enumerate(managed):
            daily = recent.get(product.id, 0) / 30
            days = _DAYS_OF_COVER[rank % len(_DAYS_OF_COVER)]
            product.stock = 0 if days == 0 else max(1, round(daily * days)) if daily else 25
            if days == 400:
                product.stock += 20
            if rank % 24 == 17:
                product.stock, product.backorders = -2, "notify"
            product.low_stock = 10 if rank % 5 == 0 else None

    def take_id(self) -> int:
        """The next id; orders and refunds share one sequence, as in WooCommerce."""
        self._next_id += 1
        return self._next_id

    def take_items(self, count: int) -> int:
        """The first of `count` new order item ids."""
        first = self._next_item
        self._next_item += count
        return first

    def take_webhook_id(self) -> int:
        """The next webhook id."""
        self._next_webhook += 1
        return self._next_webhook - 1

    def product(self, number: int) -> Product | None:
        """A product or variation by id."""
        return self.products.get(number) or self.variations.get(number)

    def by_sku(self, sku: str) -> Product | None:
        """The first product or variation with that SKU."""
        for row in (*self.products.values(), *self.variations.values()):
            if row.own_sku == sku:
                return row
        return None

    def currency_symbol(self, currency: str) -> str:
        """The symbol of a currency, or its code."""
        return words.SYMBOLS.get(currency, currency)

    def publish(self, topic: str, row: Product | Order | Customer) -> None:
        """Tells the listeners of a change; a webhook is one of them."""
        for listener in self.listeners:
            listener(topic, row)
