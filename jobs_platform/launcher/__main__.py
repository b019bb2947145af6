import sys

from jobs_platform.launcher.main import main

if __name__ == "__main__":
    sys.exit(main())
