"""Gets the Chromium that the browser tests drive, and prints its path.

Playwright's own build where it can be downloaded; else one the system has; else Debian's package.
Where there is a choice it is the headless shell, which draws the same pages in less time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from playwright.sync_api import Error, sync_playwright

ARGUMENTS = [  # no sandbox: containers run as root; the rest keeps Chromium from calling home
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SHELL = "chromium-headless-shell"  # Chromium that can open no window, and spends half of the time on a page
SYSTEM_NAMES = (SHELL, "chromium", "chromium-browser", "google-chrome")
DOWNLOAD_SECONDS = 300


def find() -> str | None:
    """Path of a Chromium that starts, Playwright's own first."""
    with sync_playwright() as playwright:
        for path in (playwright.chromium.executable_path, *map(shutil.which, SYSTEM_NAMES)):
            try:
                if path:
                    playwright.chromium.launch(executable_path=path, args=ARGUMENTS).close()
                    return path
            except Error:  # not there, or lacking a system library
                continue
    return None


def main() -> int:
    download = [sys.executable, "-m", "playwright", "install", "chromium"]
    try:
        subprocess.run(download, timeout=DOWNLOAD_SECONDS, capture_output=True, check=False)
    except subprocess.TimeoutExpired:
        print("Playwright's Chromium takes too long to download; looking for another.")
    path = find()
    if path is None and shutil.which("apt-get"):
        as_root = [] if os.geteuid() == 0 else ["sudo"]
        subprocess.run([*as_root, "apt-get", "update", "-q"], check=False)
        for package in (SHELL, "chromium"):
            subprocess.run([*as_root, "apt-get", "install", "-y", "-q", package], check=False)
            if path := find():
                break
    if path is None:
        print("error: no Chromium for the browser tests; install one as `chromium`, then run again.", file=sys.stderr)
        return 1
    print(f"browser tests drive {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
