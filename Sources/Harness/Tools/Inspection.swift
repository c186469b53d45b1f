import CKernels
import Foundation
import Inference

/// `abench inspect`: what a checkpoint holds, read without loading weights.
public struct Inspection {
    let checkpoint: any Checkpoint
    let spec: DecoderSpec
    let reference: String

    public init(_ reference: String) throws {
        self.reference = reference
        checkpoint = try CheckpointLoader.open(reference)
        let opened = checkpoint
        spec = try ArchitectureRegistry.spec(
            for: checkpoint.modelConfiguration, in: TensorNames { opened.tensors[$0] != nil })
    }

    /// Bytes the packed weights take, by precision, padding aside; the embedding stays mapped.
    private func memory(_ precision: Precision) -> Int {
        checkpoint.parameterCount * (precision == .bf16 ? 2 : 4)
    }

    private var tensors: [TensorInfo] {
        checkpoint.tensors.values.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    public func json(includeTensors: Bool) -> Any {
        var object: [String: Any] = [
            "path": checkpoint.path, "format": checkpoint.format.rawValue, "family": spec.modelType,
            "parameters": checkpoint.parameterCount, "layers": spec.layerCount, "hidden_size": spec.hiddenSize,
            "vocabulary_size": spec.vocabularySize, "context_length": spec.contextLength,
            "tied_embeddings": spec.unembeddingTensor == nil, "has_chat_template": checkpoint.chatTemplate != nil,
            "residual_writers": spec.writers.map(\.description),
            "memory_bytes": ["bf16": memory(.bf16), "f32": memory(.f32)],
        ]
        if let config = try? JSONSerialization.jsonObject(
            with: Data(checkpoint.configuration.serialized(sortedKeys: true).utf8))
        {
            object["config"] = config
        }
        if includeTensors {
            object["tensors"] = tensors.map {
                ["name": $0.name, "type": "\($0.type)", "shape": $0.shape, "bytes": $0.byteCount, "offset": $0.offset]
                    as [String: Any]
            }
        }
        return object
    }

    public func text(includeTensors: Bool) -> String {
        var types: [String: (count: Int, bytes: Int)] = [:]
        for tensor in tensors {
            types["\(tensor.type)", default: (0, 0)].count += 1
            types["\(tensor.type)", default: (0, 0)].bytes += tensor.byteCount
        }
        let attention = spec.blocks.first?.attention
        var lines = [
            "path        \(checkpoint.path)",
            "format      \(checkpoint.format.rawValue)",
            "family      \(spec.modelType)",
            "parameters  \(checkpoint.parameterCount)",
            "layers      \(spec.layerCount)",
            "d_model     \(spec.hiddenSize)",
            "heads       \(attention.map { "\($0.heads) query, \($0.kvHeads) key-value, dimension \($0.headDim)" } ?? "-")",
            "vocabulary  \(spec.vocabularySize)\(spec.unembeddingTensor == nil ? ", tied to the unembedding" : "")",
            "context     \(spec.contextLength) tokens",
            "template    \(checkpoint.chatTemplate == nil ? "none" : "yes")",
            "memory      \(memory(.bf16) >> 20) MiB as bf16, \(memory(.f32) >> 20) MiB as f32",
            "tensors     " + types.sorted { $0.key < $1.key }.map { "\($0.value.count) × \($0.key)" }.joined(separator: ", "),
            "writers     \(spec.writers.count): " + writersInWords(),
        ]
        if includeTensors {
            for tensor in tensors {
                lines.append("  \(tensor.name)  \(tensor.type)  \(tensor.shape.map(String.init).joined(separator: " × "))")
            }
        }
        return lines.joined(separator: "\n")
    }

    private func writersInWords() -> String {
        var counts: [(String, Int)] = []
        for writer in spec.writers {
            if let index = counts.firstIndex(where: { $0.0 == writer.component }) {
                counts[index].1 += 1
            } else {
                counts.append((writer.component, 1))
            }
        }
        return counts.map { "\($0.1) × \($0.0)" }.joined(separator: ", ")
    }
}
