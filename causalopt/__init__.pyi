from .drawing import Drawing as Drawing
from .drawing import draw as draw
from .errors import (
    CausaloptError as CausaloptError,
)
from .errors import (
    DeclarationError as DeclarationError,
)
from .errors import (
    EvaluationError as EvaluationError,
)
from .errors import (
    ModelError as ModelError,
)
from .errors import (
    QueryError as QueryError,
)
from .errors import (
    TooLargeError as TooLargeError,
)
from .measures import comp as comp
from .measures import op as op
from .measures import optimizing_power as optimizing_power
from .network import Network as Network
from .results import run as run
from .results import tangents as tangents
from .symbols import (
    parameter as parameter,
)
from .symbols import (
    parameters as parameters,
)
from .symbols import (
    time as time,
)
from .symbols import (
    variable as variable,
)
from .symbols import (
    variables as variables,
)
from .system import System as System
from .world import World as World
