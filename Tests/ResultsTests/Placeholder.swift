import Testing
import Results
