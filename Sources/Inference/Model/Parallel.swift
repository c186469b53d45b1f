import CKernels

/// Runs `body` over disjoint sub-ranges of 0 ..< count on the kernels' threads, each at least `grain` long; returns
/// when all have run. The body must not depend on how the range is cut.
package func parallelFor(_ count: Int, grain: Int, _ body: @Sendable (Range<Int>) -> Void) {
    if count == 0 { return }
    if count <= grain || ab_threads() == 1 {
        body(0..<count)
        return
    }
    withoutActuallyEscaping(body) { escaping in
        var context = ParallelBody(run: escaping)
        withUnsafeMutablePointer(to: &context) { pointer in
            ab_parallel_for(
                count, grain,
                { context, begin, end in
                    context?.assumingMemoryBound(to: ParallelBody.self).pointee.run(begin..<end)
                }, pointer)
        }
    }
}

private struct ParallelBody {
    let run: @Sendable (Range<Int>) -> Void
}

/// The instruction set, its reason and the number of threads, for provenance.
public struct KernelInfo: Sendable, Hashable, Codable {
    public var instructionSet: String
    public var reason: String
    public var threads: Int

    /// What this process computes with.
    public static var active: KernelInfo {
        KernelInfo(
            instructionSet: String(cString: ab_isa_name(ab_isa_active())), reason: String(cString: ab_isa_reason()),
            threads: Int(ab_threads()))
    }

    /// 0 = all cores this process may use.
    public static func setThreads(_ count: Int) { ab_set_threads(Int32(count)) }
}
