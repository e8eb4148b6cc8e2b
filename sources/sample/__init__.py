"""Real prices and macro series that lie inside two installed packages: skfolio and arch."""
