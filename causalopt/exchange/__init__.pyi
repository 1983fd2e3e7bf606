from .bif import read_bif as read_bif
from .bif import write_bif as write_bif
from .control import Plant as Plant
from .control import plant_of as plant_of
from .dagitty import read_dagitty as read_dagitty
from .dagitty import write_dagitty as write_dagitty
from .xmlbif import read_xmlbif as read_xmlbif
from .xmlbif import write_xmlbif as write_xmlbif
