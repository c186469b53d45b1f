/// What `tokenizer.ggml.pre` of a GGUF file stands for. The name says which original tokenizer a byte-level vocabulary came
/// from; the file has neither its patterns nor its normalizer. Names and patterns are those of llama.cpp
/// (`src/llama-vocab.cpp`), spelt as the original tokenizer files spell them where those are known.
struct GGUFPreTokenizer: Sendable {
    /// Split one after the other, each match isolated.
    var patterns: [String]
    var normalizer: TokenNormalizer?
    var ignoresMerges = false
    /// Whether BOS is added when the file does not say.
    var addsBOS = false

    private static let contractions = #"(?i:'s|'t|'re|'ve|'m|'ll|'d)"#
    private static let cased = #"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"#
    private static let gpt2 = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
    private static let llama3 =
        contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    private static let qwen2 =
        contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    private static let qwen35 = contractions
        + #"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    private static let upper = #"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"#
    private static let lower = #"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"#
    private static let tekken =
        #"[^\r\n\p{L}\p{N}]?\#(upper)*\#(lower)+|[^\r\n\p{L}\p{N}]?\#(upper)+\#(lower)*"#
        + #"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    private static let gpt4o =
        #"[^\r\n\p{L}\p{N}]?\#(upper)*\#(lower)+\#(contractions)?|[^\r\n\p{L}\p{N}]?\#(upper)+\#(lower)*\#(contractions)?"#
        + #"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    private static let deepseek3 = [
        #"\p{N}{1,3}"#, "[一-龥぀-ゟ゠-ヿ]+",
        ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*"##
            + #"|\s*[\r\n]+|\s+(?!\S)|\s+"#,
    ]
    private static let deepseekLetters =
        "A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼ"
        + "ιῂ-ῄῆ-ῌῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ"
        + "𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃"

    static let table: [String: GGUFPreTokenizer] = {
        var table: [String: GGUFPreTokenizer] = [:]
        func enter(_ names: String, _ entry: GGUFPreTokenizer) {
            for name in names.split(separator: " ") { table[String(name)] = entry }
        }
        let nfc = TokenNormalizer.nfc
        let digitsThenGPT2 = [#"\p{N}"#, gpt2]
        enter(
            "llama3 llama-v3 llama-bpe falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano",
            .init(patterns: [llama3], ignoresMerges: true, addsBOS: true))
        enter("dbrx smaug-bpe glm4 chatglm-bpe", .init(patterns: [llama3]))
        enter("qwen2 megrez", .init(patterns: [qwen2], normalizer: nfc))
        enter("deepseek-r1-qwen stablelm2 hunyuan", .init(patterns: [qwen2]))
        enter("qwen35", .init(patterns: [qwen35], normalizer: nfc))
        enter("gpt-2 phi-2 gigachat jina-es jina-de jina-v2-es jina-v2-de mellum jais trillion", .init(patterns: [gpt2]))
        enter("mpt olmo modern-bert", .init(patterns: [gpt2], normalizer: nfc))
        enter("smollm starcoder refact codeshell minerva-7b", .init(patterns: digitsThenGPT2))
        enter("command-r exaone", .init(patterns: digitsThenGPT2, normalizer: nfc))
        enter(
            "falcon",
            .init(patterns: [#"[\p{P}\$\+<=>\^~\|`]+"#, gpt2, "[0-9][0-9][0-9]"]))
        enter(
            "deepseek-llm",
            .init(patterns: [
                #"[\r\n]"#, #"\s?[\#(deepseekLetters)]+"#, #"\s?[!-/:-~！-／：-～‘-‟　-。]+"#, #"\s+$"#, "[一-龥ࠀ-一가-퟿]+",
                #"\p{N}+"#,
            ]))
        enter(
            "deepseek-coder",
            .init(patterns: [#"[\r\n]"#, #"\s?\p{L}+"#, #"\s?\p{P}+"#, "[一-龥ࠀ-一가-퟿]+", #"\p{N}"#]))
        enter("deepseek-v3 hunyuan-dense joyai-llm", .init(patterns: deepseek3))
        enter("tekken", .init(patterns: [tekken], ignoresMerges: true, addsBOS: true))
        enter("gpt-4o llama4 kanana2", .init(patterns: [gpt4o]))
        enter("bloom gpt3-finnish poro-chat", .init(patterns: [" ?[^(\\s|.,!?…。，、।۔،)]+"]))
        enter("viking", .init(patterns: [" ?[^(\\s|.,!?…。，、।۔،)]+", #"\p{N}"#]))
        enter(
            "seed-coder",
            .init(patterns: [
                contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+"#
            ]))
        return table
    }()

    static var known: String { table.keys.sorted().joined(separator: ", ") }
}
