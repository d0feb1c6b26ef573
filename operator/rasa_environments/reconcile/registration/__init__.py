"""Registration of environments with their model server, through its API or in environments.yml."""
