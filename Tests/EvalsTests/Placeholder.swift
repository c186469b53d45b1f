import Testing
import Evals
