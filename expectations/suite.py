"""A contract as a Great Expectations suite: one expectation a law, one metric, resolved once, for all of them.

Importing this file imports Great Expectations (5 to 8 seconds of CPU): `expectations.check` does so late and once.
"""

# ruff: noqa: S608  identifiers come from the schema, the contracts and names checked by `check`
from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from typing import Any, ClassVar

import great_expectations as gx
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider

from expectations.datasource import DuckDBDatasource
from expectations.scan import Scan

METRIC = "trimtab.contract_scan"


class ContractScan(TableMetricProvider):
    """The outcomes of all laws of a batch, from one scan."""

    metric_name = METRIC
    value_keys = ("contract",)

    @metric_value(engine=SqlAlchemyExecutionEngine)
    def _sqlalchemy(
        cls,
        execution_engine: SqlAlchemyExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any],
    ) -> dict[str, Any]:
        chosen, _, _ = execution_engine.get_compute_domain(metric_domain_kwargs, domain_type=MetricDomainTypes.TABLE)
        batch = chosen.compile(dialect=execution_engine.dialect, compile_kwargs={"literal_binds": True})
        scan: Scan = getattr(execution_engine, DuckDBDatasource.SCAN)
        with execution_engine.get_connection() as connection:

            def ask(sql: str) -> list[tuple[Any, ...]]:
                answer = connection.exec_driver_sql(sql)
                return [tuple(row) for row in answer.fetchall()] if answer.returns_rows else []

            return scan.run(ask, f"({batch})")


class ExpectLaw(BatchExpectation):
    """One law of a contract holds for the batch."""

    contract: str
    law: str
    metric_dependencies: ClassVar[tuple[str, ...]] = (METRIC,)
    success_keys: ClassVar[tuple[str, ...]] = ("contract", "law")

    def _validate(
        self, metrics: Mapping[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        outcome = metrics[METRIC][self.law]
        observed = {"observed_value": outcome.status, "unexpected_count": outcome.bad}
        return {"success": outcome.status in {"passed", "unknown"}, "result": observed}


def _suite(scan: Scan) -> gx.ExpectationSuite:
    dataset = scan.contract.table.name
    laws = [ExpectLaw(contract=dataset, law=law.name, severity=law.severity, description=law.what) for law in scan.contract.laws]
    return gx.ExpectationSuite(name=dataset, expectations=laws)


def validate(cursor: Any, relation: str, scan: Scan) -> dict[str, str]:
    """Run the suite over `relation` on the caller's cursor: law -> what GX has to say against it ("" for nothing)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        lent = DuckDBDatasource(name="warehouse").lend(cursor, scan)
        source = context.data_sources.add_or_update_duckdb(datasource=lent).lend(cursor, scan)
        asset = source.add_query_asset(scan.contract.table.name, query=f"select * from {relation}")
        batch = asset.add_batch_definition_whole_table("whole").get_batch()
        result = batch.validate(_suite(scan), result_format="BASIC")
    return {each.expectation_config.kwargs["law"]: _complaint(each) for each in result.results}


def _complaint(result: Any) -> str:
    """Why a result is an error and no verdict: GX reports an exception as a failure with an empty result."""
    info = result.exception_info or {}
    nested = [part for part in info.values() if isinstance(part, dict)]
    raised = [part for part in (info, *nested) if part.get("raised_exception")]
    return str(raised[0].get("exception_message", "an exception"))[:200] if raised else ""


_quiet = logging.getLogger("great_expectations")  # some of its modules set a level of their own: nothing passes upward
_quiet.addHandler(logging.NullHandler())
_quiet.propagate = False
