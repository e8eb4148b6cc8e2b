"""Who belonged to an index, and under which ticker an instrument traded, since when and until when: from files."""
