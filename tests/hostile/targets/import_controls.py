raise ValueError("all is well\nCONFORMS: all good. \x1b[31m \x9b31m \0 \u202e [bold]b[/bold] [/nope]")
