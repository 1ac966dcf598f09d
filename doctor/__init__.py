"""What keeps a machine from running bundles on cameras, and what mends it.

Nothing here imports a library when it is imported itself: libraries that do not load are among what
is looked for.
"""

from hsi.doctor.examination import examine
from hsi.doctor.finding import Finding, Level
from hsi.doctor.machine import Machine

__all__ = ["Finding", "Level", "Machine", "examine"]
