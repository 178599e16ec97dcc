"""What nginx' configurations of all tests and benchmarks have in common."""


def temporary_paths(root: str) -> str:
    """Directives of an http block: all temporary files go into `root`. Each path has to be named, since nginx
    makes all those directories when it starts, used or not, by default where only root may."""
    return "\n".join(f"{kind}_temp_path {root}/{kind};"
                     for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
