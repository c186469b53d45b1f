import Testing
import Methods
