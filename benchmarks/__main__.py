"""`make bench`: every benchmark, one after the other, one line a figure."""

from __future__ import annotations

from benchmarks import asof, broker, contract, crawl, demo, indicators, optimizers, plan, quality, risk, stress, warehouse


def main() -> None:
    for module in (demo, optimizers, plan, risk, stress, contract, quality, crawl, warehouse, indicators, asof, broker):
        print(f"\n{module.__doc__.splitlines()[0]}", flush=True)
        module.main()


if __name__ == "__main__":
    main()
