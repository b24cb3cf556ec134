"""Word lists the generator draws from: names, places, goods and notes that break careless software."""

from __future__ import annotations

from portal.sandbox.rows import TaxRate

NAMES = (
    ("Anna", "Becker"), ("Jürgen", "Groß"), ("Zoë", "Weiß"), ("Łukasz", "Żak"), ("Marie-Ève", "L'Hôte"),
    ("Søren", "Ångström"), ("花子", "鈴木"), ("Ольга", "Смирнова"), ("Ana Lucía", "Muñoz"), ("Mia 🌻", "Keller"),
    ("Bobby", "'); DROP TABLE orders;--"), ("<b>Tim</b>", "Kruse"), ("Niamh", "O'Brien"), ("Wu", "Yi"),
    ("محمد", "الأحمد"), ("Ada", "Lovelace"), ("", ""), ("Friederike", "von Hohenstein-Wittelsbach"),
    ("Paul", "Krüger"), ("Ines", "Novák"),
)  # fmt: skip
PLACES = (
    ("Leipzig", "", "04109", "DE"), ("Köln", "", "50667", "DE"), ("Kiel", "", "24103", "DE"), ("Ulm", "", "89073", "DE"),
    ("Graz", "", "8010", "AT"), ("Lyon", "", "69001", "FR"), ("Leeds", "", "LS1 4AP", "GB"), ("Zürich", "", "8001", "CH"),
    ("Oakland", "CA", "94612", "US"), ("Austin", "TX", "78701", "US"), ("大阪市", "JP27", "530-0001", "JP"),
)  # fmt: skip
STREETS = ("Lindenallee", "Am Mühlbach", "Rue de l'Église", "Harbour Road", "Gasse <3. Hof>", "本町")
GOODS = (
    "Becher", "Kanne", "Teller", "Messer", "Brett", "Topf", "Leuchte", "Kissen", "Stift", "Heft", "Mappe", "Korb",
    "Vase", "Uhr", "Schal", "Schale", "Löffel", "Glas", "Flasche", "Dose",
)  # fmt: skip
MANNERS = ("Blaue", "Runde", "Alte", "Neue", "Feine", "Grüne", "Öko-", "Rústica", "和風", "Große", "Kleine", "Edle")
CATEGORIES = (
    (16, "Küche &amp; Bad", "kueche-bad"), (17, "Büro „Nord“", "buero-nord"), (18, "Geschenke 🎁", "geschenke"),
    (19, "茶道具", "%e8%8c%b6%e9%81%93%e5%85%b7"), (20, "Sale %", "sale"),
)  # fmt: skip
COLOURS = ("Rot", "Blau", "Grün")
SIZES = ("S", "M", "L")
NOTES = (
    "", "", "", "", "Bitte <b>nicht</b> klingeln & leise sein", "Geschenk 🎁 – Rechnung extra",
    "<script>alert('hi')</script>", "夕方に届けてください", 'Zeile 1\nZeile 2 "zitiert"', "O'Hara's gate code: 100%",
)  # fmt: skip
PAYMENTS = (
    ("stripe", "Credit card (Stripe)"), ("paypal", "PayPal"), ("bacs", "Direct bank transfer"),
    ("cod", "Cash on delivery"), ("", ""),
)  # fmt: skip
CHANNELS = ("checkout", "checkout", "checkout", "store-api", "admin", "rest-api")
SHIPPING = ((490, "Paket"), (690, "Express – schnell"), (0, "Abholung"), (1_450, "International – économique"))
REASONS = ("", "Gefällt <i>nicht</i>", "Beschädigt 💔", "Falsche Größe", "Kulanz")
COUPONS = (
    ("hallo10", "percent", 1_000, False), ("fuenfer", "fixed_cart", 500, False), ("été-15", "percent", 1_500, False),
    ("geschenkt", "percent", 10_000, False), ("portofrei", "fixed_cart", 0, True),
)  # fmt: skip
TAX_RATES = (
    TaxRate(1, "DE", "", "USt. 19 %", 1_900, "standard"), TaxRate(2, "DE", "", "USt. 7 %", 700, "reduced-rate"),
    TaxRate(3, "AT", "", "MwSt.", 2_000, "standard"), TaxRate(4, "FR", "", "TVA", 2_000, "standard"),
    TaxRate(5, "GB", "", "VAT", 2_000, "standard"), TaxRate(6, "US", "CA", "CA Sales Tax", 725, "standard"),
    TaxRate(7, "JP", "", "消費税", 1_000, "standard"),
)  # fmt: skip
RATE_FOR = {(rate.country, rate.state, rate.tax_class): rate for rate in TAX_RATES}
SYMBOLS = {"EUR": "€", "USD": "$", "JPY": "¥", "GBP": "£", "CHF": "CHF", "PLN": "zł", "SEK": "kr"}
CURRENCY_NAMES = {"EUR": "Euro", "USD": "United States (US) dollar", "JPY": "Japanese yen", "GBP": "Pound sterling"}


def rate_for(country: str, state: str, tax_class: str) -> TaxRate | None:
    """The tax rate of an address; regions without one (Switzerland, Texas) are sold to without tax."""
    region = state if country == "US" else ""
    found = RATE_FOR.get((country, region, tax_class or "standard"))
    return found or RATE_FOR.get((country, region, "standard"))
