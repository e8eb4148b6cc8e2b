"""The SQL of one scan: every row law of a contract as a bit of each row's marks."""

# ruff: noqa: S608  identifiers come from the schema, the contracts and names checked by `check`
from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from expectations.context import Context
from expectations.contract import Contract, Law
from portfolio.schema import CORPORATE_ACTIONS

PRICE_COLUMNS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True)
class Names:
    """The temp relations of one check; `suffix` is of the run, so that two runs of one cursor do not meet."""

    suffix: str

    def __getattr__(self, word: str) -> str:
        return f"expect_{word}_{self.suffix}"


def words(contract: Contract, context: Context, names: Names) -> Mapping[str, str]:
    """What the words in braces stand for in a contract's SQL."""
    columns = ", ".join(contract.table.staged)
    nothing = ", ".join(f"null::{c.type} as {c.name}" for c in contract.table.columns if c.name in contract.table.staged)
    a_price = "null::varchar as instrument, null::varchar as source, null::date as session, null::double as close"
    no_prices = f"(select {a_price} where false)"
    no_actions = f"(select {', '.join(f'null::{c.type} as {c.name}' for c in CORPORATE_ACTIONS.columns)} where false)"
    marks = {
        f"{{{mark} {law.name}}}": f"({mark} & {1 << i}) <> 0"
        for i, law in enumerate(contract.rows)
        for mark in ("broken", "unknown")
    }
    return marks | {
        "{columns}": columns,
        "{now}": f"timestamptz '{context.now.isoformat()}'",
        "{expected}": f"date '{context.expected_session}'" if context.expected_session else "null::date",
        "{horizon}": f"date '{context.now.year + 1}-12-31'",
        "{history}": context.history or f"(select {nothing} where false)",
        "{actions}": context.actions or no_actions,
        "{others}": context.others or f"(select {nothing} where false)",
        "{prices}": context.prices or no_prices,
        "{has_actions}": "true" if context.actions else "false",
        "{sessions}": context.sessions or names.sessions,
        "{declared}": names.declared,
        "{wanted}": names.wanted,
        "{scan}": names.scan,
        "{good}": names.good,
        "{bad}": names.bad,
    }


def filled(sql: str, stand_for: Mapping[str, str]) -> str:
    for word, meaning in stand_for.items():
        sql = sql.replace(word, meaning)
    return sql


def lacks(law: Law, context: Context) -> tuple[str, ...]:
    """The parts of the context that the law asks for and that are not given."""
    return tuple(name for name in law.asks if not getattr(context, name))


def _unknown(law: Law, context: Context) -> str:
    if lacks(law, context):
        return "true"
    reasons = [f"not has_{column}" for column in law.needs if column in PRICE_COLUMNS]
    return " or ".join(f"({reason})" for reason in (*reasons, law.unknown) if reason) or "false"


def _bits(laws: Mapping[int, Law], context: Context, breaches: Mapping[int, str]) -> str:
    """The bits of the laws of which the row can be judged and whose breach (an expression) is true."""
    cases = []
    for i, law in laws.items():
        unknown = _unknown(law, context)
        judged = "" if unknown == "false" else f"when {unknown} then 0"
        if unknown != "true":
            cases.append(f"(case {judged} when {breaches[i]} then {1 << i}::bigint else 0 end)")
    return " | ".join(cases) or "0::bigint"


def _unknown_bits(laws: Mapping[int, Law], context: Context) -> str:
    said = {i: _unknown(law, context) for i, law in laws.items()}
    cases = [f"(case when {unknown} then {1 << i}::bigint else 0 end)" for i, unknown in said.items() if unknown != "false"]
    return " | ".join(cases) or "0::bigint"


def _neighbours(contract: Contract) -> str:
    asked = contract.neighbours.replace("{stirs}", contract.stirs)
    return f"\nneighbours as ({asked})," if asked else ""


def _termed(contract: Contract) -> str:
    """`derived` with its neighbours and the terms beside it, in layers: each term is computed once, below all that speak of it.

    In one SELECT the database would write a term out wherever its name stands, and compute it as often.
    """
    terms, depth = contract.terms, dict[str, int]()
    for name, expression in terms.items():
        depth[name] = max((1 + depth[word] for word in re.findall(r"\w+", expression) if word in depth), default=0)
    sql = f"select * from derived {'left join neighbours using (rid)' if contract.neighbours else ''} where rid is not null"
    for layer in range(max(depth.values(), default=-1) + 1):
        columns = ", ".join(f"{terms[name]} as {name}" for name in terms if depth[name] == layer)
        sql = f"select *, {columns} from ({sql})"
    return sql


def scan_sql(
    contract: Contract,
    context: Context,
    batch: str,
    laws: Mapping[int, Law],
    misbound: Collection[str] = (),
    singly: bool = False,
) -> str:
    """Staged columns, rid, and three marks a row: broken, unknown, erred (bit i for row law i).

    All laws of a row are tried at once, and `broken` is null where one of them raises; `singly`, law by law.
    """
    staged = ", ".join(contract.table.staged)
    key = (*contract.table.key, "known_at") if context.vintages else contract.table.key
    keys = ", ".join(key)
    facts = ", ".join(contract.table.facts) or "null"
    same = " and ".join(f"n.{name} is not distinct from t.{name}" for name in key)
    broken, erred = f"try({_bits(laws, context, {i: f'({law.breaks})' for i, law in laws.items()})})", "0::bigint"
    if singly:
        each = {i: f"try(coalesce(({law.breaks}), false))" for i, law in laws.items()}
        each |= {i: "null::boolean" for i, law in laws.items() if law.name in misbound}
        broken, erred = _bits(laws, context, each), _bits(laws, context, {i: f"{tried} is null" for i, tried in each.items()})
    return f"""
with numbered as materialized (select row_number() over () as rid, {staged} from {batch}),
alike as (select hash({keys}) as key from numbered group by key having count(*) > 1),
twins as materialized (
  select {keys}, min(rid) as first_copy, count(*) as copies, min(hash({facts})) <> max(hash({facts})) as copy_differs
  from numbered where hash({keys}) in (from alike) group by {keys} having count(*) > 1),
staged as not materialized (
  select n.*, coalesce(t.copies, 1) as copies, coalesce(t.copy_differs, false) as copy_differs, t.first_copy
  from numbered n left join twins t on {same}),
derived as not materialized ({contract.derive}),{_neighbours(contract)}
termed as not materialized ({_termed(contract)})
select {staged}, rid, {broken} as broken, {_unknown_bits(laws, context)} as unknown, {erred} as erred from termed"""


def bad_sql(contract: Contract, scan: str) -> str:
    """The rows taken out, each with the names of the laws that took it out."""
    names = ", ".join(
        f"case when (broken | erred) & {1 << i} <> 0 then '{law.name}' end"
        for i, law in enumerate(contract.rows)
        if law.takes_out
    )
    listed = f"list_filter([{names}], x -> x is not null)"
    return f"select {', '.join(contract.table.staged)}, {listed} as laws from {scan} where {taken_out(contract)}"


def taken_out(contract: Contract) -> str:
    takers = sum(1 << i for i, law in enumerate(contract.rows) if law.takes_out)
    return f"((broken | erred) & {takers}::bigint) <> 0"
