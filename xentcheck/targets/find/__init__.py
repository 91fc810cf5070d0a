"""Finding a target: by its name, its location or its declaration, before anything of it is called."""
