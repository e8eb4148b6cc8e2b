"""The terminal's face: `trimtab …`. Every command takes `--json`; heavy imports happen inside the commands."""
