"""The subcommands of ``metasim``; each has ``add_arguments(parser)`` and ``run(arguments)``."""
