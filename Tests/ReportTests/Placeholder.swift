import Testing
import Report
