# ruff: noqa: INP001 (a script of Sphinx, in no package)
"""How the pages become a site: `make docs`. Nothing is loaded from elsewhere, neither by the build nor by the pages."""

from importlib.metadata import version as version_of

project = "Rasa environments"
version = release = version_of("rasa-environments")
author = f"the {project} authors"

extensions = ["myst_parser", "sphinx_copybutton"]
myst_heading_anchors = 4
nitpicky = True
highlight_language = "none"
smartquotes = False  # it would make one dash of the two before an option

copybutton_prompt_text = "$ "  # of a session in a terminal, the commands are copied, without their output

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["tables.js"]
html_title = f"{project} {version}"
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
