// swift-tools-version: 6.0
import PackageDescription

// C kernels are compiled at -O3 in every configuration: at -O0 a debug `swift test` would crawl. No -ffast-math and no
// -march=native: numbers are the product, and the instruction set is chosen at run time.
let kernelSettings: [CSetting] = [.unsafeFlags(["-O3", "-fno-math-errno", "-ffp-contract=off"])]

let package = Package(
    name: "AbliterationBench",
    products: [.executable(name: "abench", targets: ["abench"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
    ],
    targets: [
        .target(name: "CKernels", cSettings: kernelSettings, linkerSettings: [.linkedLibrary("m"), .linkedLibrary("pthread")]),
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev", "liblapacke-dev"])]),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),

        .target(name: "Inference", dependencies: ["CKernels", "COpenBLAS", .product(name: "Crypto", package: "swift-crypto")]),
        .target(name: "Methods", dependencies: ["Inference", "COpenBLAS"]),
        .target(
            name: "Evals", dependencies: ["Inference", "CCurl", .product(name: "Crypto", package: "swift-crypto")],
            // In the binary, so that it can be copied anywhere; a resource bundle would stay behind.
            resources: [.embedInCode("Resources")]),
        .target(
            name: "Results",
            dependencies: [.product(name: "GRDB", package: "GRDB.swift"), .product(name: "Crypto", package: "swift-crypto")]),
        .target(
            name: "Harness",
            dependencies: [
                "Inference", "Methods", "Evals", "Results", .product(name: "Yams", package: "Yams"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        .target(name: "Report", dependencies: ["Results"]),
        .executableTarget(
            name: "abench",
            dependencies: [
                "Harness", "Report", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),

        .target(name: "TestSupport", dependencies: ["Inference"], path: "Tests/TestSupport"),
        .testTarget(name: "CKernelsTests", dependencies: ["CKernels"]),
        .testTarget(name: "InferenceTests", dependencies: ["Inference", "TestSupport"]),
        .testTarget(name: "MethodsTests", dependencies: ["Methods", "TestSupport"]),
        .testTarget(
            name: "EvalsTests",
            dependencies: ["Evals", "TestSupport", .product(name: "Crypto", package: "swift-crypto")]),
        .testTarget(
            name: "ResultsTests",
            dependencies: ["Results", "TestSupport", .product(name: "GRDB", package: "GRDB.swift")]),
        .testTarget(name: "HarnessTests", dependencies: ["Harness", "TestSupport"]),
        .testTarget(name: "ReportTests", dependencies: ["Report", "TestSupport"]),
        .testTarget(name: "CLITests", dependencies: ["abench", "TestSupport"]),
    ],
    swiftLanguageModes: [.v6]
)
