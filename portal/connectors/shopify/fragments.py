"""What the portal asks of each kind of object; `queries` puts it into documents."""

from __future__ import annotations

from string import Template

AMOUNT = "{ shopMoney { amount } }"
MONEY = "{ shopMoney { amount currencyCode } }"
BOTH = "{ shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }"

LINE = f"""
  id name sku quantity
  product {{ id }}
  variant {{ id }}
  originalUnitPriceSet {AMOUNT}
  originalTotalSet {AMOUNT}
  discountAllocations {{
    allocatedAmountSet {AMOUNT}
    discountApplication {{ index ... on DiscountCodeApplication {{ code }} }}
  }}
  taxLines {{ priceSet {AMOUNT} }}
"""
ORDER = f"""
  id name createdAt processedAt updatedAt cancelledAt
  test edited taxesIncluded requiresShipping sourceName note
  displayFinancialStatus displayFulfillmentStatus returnStatus
  discountCodes paymentGatewayNames
  totalPriceSet {BOTH}
  currentTotalPriceSet {AMOUNT}
  totalRefundedSet {AMOUNT}
  totalTaxSet {AMOUNT}
  totalDiscountsSet {AMOUNT}
  totalTipReceivedSet {AMOUNT}
  originalTotalDutiesSet {AMOUNT}
  originalTotalAdditionalFeesSet {AMOUNT}
  shippingLine {{ title discountedPriceSet {AMOUNT} taxLines {{ priceSet {AMOUNT} }} }}
  transactions(first: 50) {{ id kind status processedAt gateway paymentId amountSet {MONEY} }}
  fulfillments(first: 50) {{
    id createdAt status displayStatus totalQuantity
    trackingInfo(first: 10) {{ company number url }}
  }}
  refunds(first: 100) {{
    id createdAt processedAt updatedAt note
    totalRefundedSet {MONEY}
  }}
"""
RETURN = "id name status createdAt"
RETURN_LINE = """
  id quantity returnReasonNote returnReasonDefinition { name }
  ... on ReturnLineItem { fulfillmentLineItem { lineItem { id sku name } } }
"""
BUYER = "email customer { id displayName }"
ADDRESSES = "billingAddress { name countryCodeV2 } shippingAddress { name countryCodeV2 }"
PRODUCT = """
  id title status productType createdAt updatedAt
  category { name }
  featuredMedia { preview { image { url } } }
"""
VARIANT = "id title sku price compareAtPrice inventoryPolicy inventoryQuantity createdAt updatedAt"
LEVEL = Template('id updatedAt isActive quantities(names: ["available"]) { name quantity } $location')
CUSTOMER = """
  id displayName firstName lastName state numberOfOrders createdAt updatedAt
  defaultEmailAddress { emailAddress }
  defaultAddress { city countryCodeV2 }
"""
FEW = 5  # locations of a variant in a list of them; few have more, and those are read on
PAGE = "pageInfo { hasNextPage endCursor }"
