"""Which us-gaap tags mean which standard concept: the first tag a filing uses for a period takes the name.

Tags in one line mean the same quantity. A near relation (long-term debt without its current part, equity with
minorities) is left under its own tag: a concept that silently means less is a wrong number.
"""

from __future__ import annotations

CONCEPTS: dict[str, tuple[str, ...]] = {
    "Revenue": (
        "us-gaap:RevenueFromContractWithCustomerExcludingAssessedTax",
        "us-gaap:Revenues",
        "us-gaap:SalesRevenueNet",
        "us-gaap:RevenueFromContractWithCustomerIncludingAssessedTax",
    ),
    "GrossProfit": ("us-gaap:GrossProfit",),
    "OperatingIncome": ("us-gaap:OperatingIncomeLoss",),
    "NetIncome": ("us-gaap:NetIncomeLoss",),
    "Assets": ("us-gaap:Assets",),
    "Equity": ("us-gaap:StockholdersEquity",),
    "CurrentAssets": ("us-gaap:AssetsCurrent",),
    "CurrentLiabilities": ("us-gaap:LiabilitiesCurrent",),
    "Inventory": ("us-gaap:InventoryNet",),
    "Cash": ("us-gaap:CashAndCashEquivalentsAtCarryingValue",),
    "Debt": (
        "us-gaap:DebtLongtermAndShorttermCombinedAmount",
        "us-gaap:LongTermDebt",
        "us-gaap:LongTermDebtAndCapitalLeaseObligationsIncludingCurrentMaturities",
    ),
    "OperatingCashFlow": (
        "us-gaap:NetCashProvidedByUsedInOperatingActivities",
        "us-gaap:NetCashProvidedByUsedInOperatingActivitiesContinuingOperations",
    ),
    "CapitalExpenditure": (
        "us-gaap:PaymentsToAcquirePropertyPlantAndEquipment",
        "us-gaap:PaymentsToAcquireProductiveAssets",
    ),
    "SharesOutstanding": ("us-gaap:CommonStockSharesOutstanding", "dei:EntityCommonStockSharesOutstanding"),
}
TAGS: dict[str, tuple[str, int]] = {tag: (concept, rank) for concept, tags in CONCEPTS.items() for rank, tag in enumerate(tags)}
