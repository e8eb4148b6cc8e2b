"""When: one deployment's flow a file. Dotted entrypoints (`flows.daily.daily`)."""
