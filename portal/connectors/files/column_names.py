"""The names that columns are given by shops and spreadsheets, in English and German, folded (`guessing.folded`)."""

from __future__ import annotations

_ORDERS = """
id: id order orderid ordernumber orderno ordername name number bestellnummer bestellnr auftragsnummer auftragsnr
  rechnungsnummer invoicenumber amazonorderid reference
created_at: createdat date orderdate datum bestelldatum auftragsdatum created datecreated purchasedate orderedat
  kaufdatum rechnungsdatum
total: total ordertotal totalprice amount grandtotal summe gesamt gesamtbetrag gesamtsumme bruttobetrag betrag
  totalamount revenue umsatz brutto
currency: currency currencycode waehrung wahrung isocurrency
status: status orderstatus financialstatus bestellstatus auftragsstatus zahlungsstatus
fulfilment: fulfillmentstatus fulfilmentstatus fulfilment fulfillment versandstatus lieferstatus shippingstatus
paid_at: paidat datepaid paymentdate zahlungsdatum bezahltam paid bezahlt
total_tax: tax taxes totaltax taxtotal vat steuer mwst ust steuern mehrwertsteuer
shipping_total: shipping shippingtotal shippingcost versand versandkosten shippingprice
discount_total: discount discounttotal discountamount totaldiscount rabatt nachlass
refunded: refunded refundedamount refundtotal erstattet erstattung rueckerstattung refund
refunded_at: refundedat refunddate erstattetam erstattungsdatum
customer_id: customerid customernumber kundennummer kundennr kundenid
customer_email: email customeremail emailaddress mail buyeremail kundenemail billingemail emailadresse
customer_name: customer customername billingname buyer buyername kunde kundenname besteller shippingname
country: country countrycode billingcountry shippingcountry land lieferland
payment_method: paymentmethod payment zahlungsart zahlungsmethode zahlungsweise
sku: sku lineitemsku linessku itemsku productsku artikelnummer artnr artikelnr asin
item_name: lineitemname linesname itemname productname product item artikel artikelname produkt produktname
  bezeichnung title linestitle
quantity: quantity qty lineitemquantity linesquantity linesqty menge anzahl units stueck stk
unit_price: unitprice price lineitemprice linesprice linesunitprice itemprice preis einzelpreis stueckpreis
line_total: linetotal linestotal lineamount positionssumme positionsbetrag zeilensumme linesamount itemtotal
"""
_PRODUCTS = """
sku: sku variantsku productsku artikelnummer artikelnr artnr itemnumber itemno asin sellersku code productcode id
name: name title productname product item artikel artikelname produktname produkt bezeichnung itemname
price: price variantprice saleprice unitprice preis verkaufspreis vk vkpreis currentprice
regular_price: regularprice compareatprice variantcompareatprice listprice uvp listenpreis rrp msrp
quantity: quantity qty stock inventory stockquantity inventoryquantity variantinventoryqty bestand lagerbestand
  menge available verfuegbar onhand
low_stock_threshold: lowstockthreshold lowstock minstock reorderpoint mindestbestand meldebestand lowstockamount
category: category categories type producttype kategorie warengruppe kategorien productcategory
status: status published state veroeffentlicht
image_url: image imageurl imagesrc picture bild bildurl images
"""
_CUSTOMERS = """
id: id customerid customernumber kundennummer kundennr kundenid
email: email customeremail emailaddress mail emailadresse
name: name customername fullname kunde kundenname customer vollername
first_name: firstname givenname vorname
last_name: lastname surname familyname nachname familienname
country: country countrycode land defaultaddresscountrycode addresscountry
city: city town ort stadt defaultaddresscity addresscity
created_at: createdat created registered registeredat customersince kundeseit erstelltam angelegt datum date
"""
_INVENTORY = """
sku: sku variantsku productsku sellersku artikelnummer artikelnr artnr itemnumber itemno asin code productcode id
quantity: quantity qty stock inventory stockquantity inventoryquantity available onhand bestand lagerbestand menge
  verfuegbar anzahl afnfulfillablequantity
location: location warehouse lager lagerort standort filiale
low_stock_threshold: lowstockthreshold lowstock minstock reorderpoint mindestbestand meldebestand
name: name title productname product item artikel artikelname bezeichnung
"""


def _read(text: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for entry in text.replace("\n  ", " ").strip().splitlines():
        field, _, names = entry.partition(": ")
        found[field] = tuple(names.split())
    return found


NAMES: dict[str, dict[str, tuple[str, ...]]] = {
    "orders": _read(_ORDERS),
    "products": _read(_PRODUCTS),
    "customers": _read(_CUSTOMERS),
    "inventory": _read(_INVENTORY),
}
"""Kind -> field -> names, the surest first."""
