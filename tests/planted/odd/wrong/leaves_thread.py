"""Leaves a thread behind, for which a process would wait before it ends."""

import threading
import time

from tests.planted.odd.plain import once

get_k_and_s = once(lambda: threading.Thread(target=time.sleep, args=(3600,)).start())
