"""Which tags of us-gaap and IFRS mean which standard concept: the first tag a filing uses for a period takes the name.

Tags in one line mean the same quantity. A near relation (long-term debt without its current part, equity with
minorities) has a name of its own or is left under its own tag: a concept that silently means less is a wrong number.

- `Debt` is all that bears interest, short and long. Few filers give that total; where it is missing it is the sum of
  `LongTermDebt` (or `LongTermDebtNoncurrent` and `LongTermDebtCurrent`) and `ShortTermDebt` or `CommercialPaper`; and
  `DebtCurrent` is `ShortTermDebt` and `LongTermDebtCurrent`. Nothing is added up here.
- `NetIncome` and `Equity` are the shareholders' own; `...WithMinorities` include what others hold of subsidiaries.
- `DividendsPaid` includes preferred dividends, `DividendsPaidCommon` does not.
- Money is in the currency of the filing, flows are positive in the direction of the name (`CapitalExpenditure`,
  `DividendsPaid`, `InterestExpense` and `CostOfRevenue` above zero are money spent).
"""

from __future__ import annotations

CONCEPTS: dict[str, tuple[str, ...]] = {
    # income
    "Revenue": (
        "us-gaap:Revenues",
        "us-gaap:RevenueFromContractWithCustomerExcludingAssessedTax",
        "us-gaap:SalesRevenueNet",
        "us-gaap:RevenueFromContractWithCustomerIncludingAssessedTax",
        "ifrs-full:Revenue",
    ),
    "CostOfRevenue": (
        "us-gaap:CostOfRevenue",
        "us-gaap:CostOfGoodsAndServicesSold",
        "us-gaap:CostOfGoodsSold",
        "ifrs-full:CostOfSales",
    ),
    "GrossProfit": ("us-gaap:GrossProfit", "ifrs-full:GrossProfit"),
    "OperatingIncome": ("us-gaap:OperatingIncomeLoss", "ifrs-full:ProfitLossFromOperatingActivities"),
    "InterestExpense": ("us-gaap:InterestExpense", "us-gaap:InterestExpenseNonoperating", "ifrs-full:InterestExpense"),
    "DepreciationAndAmortization": (
        "us-gaap:DepreciationDepletionAndAmortization",
        "us-gaap:DepreciationAmortizationAndAccretionNet",
        "us-gaap:DepreciationAndAmortization",
        "ifrs-full:AdjustmentsForDepreciationAndAmortisationExpense",
        "ifrs-full:DepreciationAndAmortisationExpense",
    ),
    "IncomeTax": ("us-gaap:IncomeTaxExpenseBenefit", "ifrs-full:IncomeTaxExpenseContinuingOperations"),
    "NetIncome": ("us-gaap:NetIncomeLoss", "ifrs-full:ProfitLossAttributableToOwnersOfParent"),
    "NetIncomeWithMinorities": ("us-gaap:ProfitLoss", "ifrs-full:ProfitLoss"),
    "EarningsPerShareBasic": ("us-gaap:EarningsPerShareBasic", "ifrs-full:BasicEarningsLossPerShare"),
    "EarningsPerShareDiluted": ("us-gaap:EarningsPerShareDiluted", "ifrs-full:DilutedEarningsLossPerShare"),
    "WeightedSharesBasic": ("us-gaap:WeightedAverageNumberOfSharesOutstandingBasic", "ifrs-full:WeightedAverageShares"),
    "WeightedSharesDiluted": (
        "us-gaap:WeightedAverageNumberOfDilutedSharesOutstanding",
        "ifrs-full:AdjustedWeightedAverageShares",
    ),
    # balance
    "Assets": ("us-gaap:Assets", "ifrs-full:Assets"),
    "CurrentAssets": ("us-gaap:AssetsCurrent", "ifrs-full:CurrentAssets"),
    "Inventory": ("us-gaap:InventoryNet", "ifrs-full:Inventories"),
    "Cash": ("us-gaap:CashAndCashEquivalentsAtCarryingValue", "ifrs-full:CashAndCashEquivalents"),
    "Liabilities": ("us-gaap:Liabilities", "ifrs-full:Liabilities"),
    "CurrentLiabilities": ("us-gaap:LiabilitiesCurrent", "ifrs-full:CurrentLiabilities"),
    "Equity": ("us-gaap:StockholdersEquity", "ifrs-full:EquityAttributableToOwnersOfParent"),
    "EquityWithMinorities": (
        "us-gaap:StockholdersEquityIncludingPortionAttributableToNoncontrollingInterest",
        "ifrs-full:Equity",
    ),
    "Debt": ("us-gaap:DebtLongtermAndShorttermCombinedAmount", "ifrs-full:Borrowings"),
    "DebtCurrent": ("us-gaap:DebtCurrent", "ifrs-full:CurrentBorrowingsAndCurrentPortionOfNoncurrentBorrowings"),
    "LongTermDebt": ("us-gaap:LongTermDebt",),
    "LongTermDebtNoncurrent": ("us-gaap:LongTermDebtNoncurrent", "ifrs-full:LongtermBorrowings"),
    "LongTermDebtCurrent": ("us-gaap:LongTermDebtCurrent", "ifrs-full:CurrentPortionOfLongtermBorrowings"),
    "ShortTermDebt": ("us-gaap:ShortTermBorrowings", "ifrs-full:ShorttermBorrowings"),
    "CommercialPaper": ("us-gaap:CommercialPaper",),
    "SharesOutstanding": (
        "us-gaap:CommonStockSharesOutstanding",
        "dei:EntityCommonStockSharesOutstanding",
        "ifrs-full:NumberOfSharesOutstanding",
    ),
    # cash
    "OperatingCashFlow": (
        "us-gaap:NetCashProvidedByUsedInOperatingActivities",
        "us-gaap:NetCashProvidedByUsedInOperatingActivitiesContinuingOperations",
        "ifrs-full:CashFlowsFromUsedInOperatingActivities",
    ),
    "CapitalExpenditure": (
        "us-gaap:PaymentsToAcquirePropertyPlantAndEquipment",
        "us-gaap:PaymentsToAcquireProductiveAssets",
        "ifrs-full:PurchaseOfPropertyPlantAndEquipmentClassifiedAsInvestingActivities",
    ),
    "DividendsPaid": ("us-gaap:PaymentsOfDividends", "ifrs-full:DividendsPaidClassifiedAsFinancingActivities"),
    "DividendsPaidCommon": ("us-gaap:PaymentsOfDividendsCommonStock",),
}
TAGS: dict[str, tuple[str, int]] = {tag: (concept, rank) for concept, tags in CONCEPTS.items() for rank, tag in enumerate(tags)}
