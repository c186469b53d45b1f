import ArgumentParser

/// A research harness for abliteration methods.
@main
struct Abench: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "abench", abstract: "Compare abliteration methods.")
}
