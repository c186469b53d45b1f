/// What `tokenizer.ggml.pre` of a GGUF file stands for. The name says which original tokenizer a byte-level
/// vocabulary came from; the file has neither its patterns nor its normalizer. Names and patterns are those of
/// llama.cpp (`src/llama-vocab.cpp`), spelt as the original tokenizer files spell them where those are known.
struct GGUFPreTokenizer: Sendable {
    /// Whether every digit is split off first, as the Digits pre-tokenizer does.
    var splitsDigits = false
    /// Split one after the other, each match isolated.
    var patterns: [String]
    var normalizer: TokenNormalizer?
    var ignoresMerges = false
    /// Whether BOS is added when the file does not say.
    var addsBOS = false

    private static let contractions = #"(?i:'s|'t|'re|'ve|'m|'ll|'d)"#
    private static let gpt2 = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
    private static let llama3 =
        contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    private static let qwen2 =
        contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    private static let qwen35 =
        contractions
        + #"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    private static let upper = #"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"#
    private static let lower = #"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"#
    private static let tekken =
        #"[^\r\n\p{L}\p{N}]?\#(upper)*\#(lower)+|[^\r\n\p{L}\p{N}]?\#(upper)+\#(lower)*"#
        + #"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    private static let gpt4o =
        #"[^\r\n\p{L}\p{N}]?\#(upper)*\#(lower)+\#(contractions)?"#
        + #"|[^\r\n\p{L}\p{N}]?\#(upper)+\#(lower)*\#(contractions)?"#
        + #"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    private static let deepseek3 = [
        #"\p{N}{1,3}"#, characterClass("4E00-9FA5 3040-309F 30A0-30FF") + "+",
        ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"##
            + #"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#,
    ]
    /// Cased letters as DeepSeek's first tokenizer lists them, in hexadecimal.
    private static let deepseekLetters = characterClass(
        """
        41-5A 61-7A B5 C0-D6 D8-F6 F8-1BA 1BC-1BF 1C4-293 295-2AF 370-373 376-377 37B-37D 37F 386 388-38A \
        38C 38E-3A1 3A3-3F5 3F7-481 48A-52F 531-556 10A0-10C5 13A0-13F5 13F8-13FD 1C90-1CBA 1CBD-1CBF \
        1D00-1D2B 1D6B-1D77 1D79-1D9A 1E00-1F15 1F18-1F1D 1F20-1F45 1F48-1F4D 1F50-1F57 1F59 1F5B 1F5D \
        1F5F-1F7D 1F80-1FB4 1FB6-1FBC 1FBE 1FC2-1FC4 1FC6-1FCC 1FD0-1FD3 1FD6-1FDB 1FE0-1FEC 1FF2-1FF4 \
        1FF6-1FFC 2102 2107 210A-2113 2115 2119-211D 2124 2126 2128 212A-212D 212F-2134 2139 213C-213F \
        2145-2149 214E 2183-2184 2C00-2C7B 2C7E-2CE4 2CEB-2CEE 2CF2-2CF3 A640-A66D A680-A69B A722-A76F \
        A771-A787 A78B-A78E AB70-ABBF FB00-FB06 FB13-FB17 FF21-FF3A FF41-FF5A 10400-1044F 104B0-104D3 \
        104D8-104FB 10C80-10CB2 10CC0-10CF2 118A0-118DF 1E900-1E943
        """)
    private static let cjk = characterClass("4E00-9FA5 800-4E00 AC00-D7FF")
    private static let bloom = " ?[^(\\s|.,!?\\x{2026}\\x{3002}\\x{FF0C}\\x{3001}\\x{964}\\x{6D4}\\x{60C})]+"

    /// `[…]` of ranges in hexadecimal, escaped: literal letters would not survive tools that normalise source text.
    private static func characterClass(_ ranges: String) -> String {
        let parts = ranges.split(separator: " ").map { range in
            range.split(separator: "-").map { "\\x{\($0)}" }.joined(separator: "-")
        }
        return "[" + parts.joined() + "]"
    }

    static let table: [String: GGUFPreTokenizer] = {
        var table: [String: GGUFPreTokenizer] = [:]
        func enter(_ names: String, _ entry: GGUFPreTokenizer) {
            for name in names.split(separator: " ") { table[String(name)] = entry }
        }
        let nfc = TokenNormalizer.nfc
        enter(
            "llama3 llama-v3 llama-bpe falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano",
            .init(patterns: [llama3], ignoresMerges: true, addsBOS: true))
        enter("dbrx smaug-bpe glm4 chatglm-bpe", .init(patterns: [llama3]))
        enter("qwen2 megrez", .init(patterns: [qwen2], normalizer: nfc))
        enter("deepseek-r1-qwen stablelm2 hunyuan", .init(patterns: [qwen2]))
        // llama.cpp does not normalise; the original tokenizers of these do.
        enter("qwen35", .init(patterns: [qwen35], normalizer: nfc))
        enter(
            "gpt-2 phi-2 gigachat jina-es jina-de jina-v2-es jina-v2-de mellum jais trillion", .init(patterns: [gpt2]))
        enter("mpt olmo modern-bert", .init(patterns: [gpt2], normalizer: nfc))
        enter("smollm starcoder refact codeshell minerva-7b", .init(splitsDigits: true, patterns: [gpt2]))
        enter("command-r exaone", .init(splitsDigits: true, patterns: [gpt2], normalizer: nfc))
        enter("falcon", .init(patterns: [#"[\p{P}\$\+<=>\^~\|`]+"#, gpt2, "[0-9][0-9][0-9]"]))
        enter(
            "deepseek-llm",
            .init(patterns: [
                #"[\r\n]"#, #"\s?"# + deepseekLetters + "+",
                #"\s?"# + characterClass("21-2F 3A-7E FF01-FF0F FF1A-FF5E 2018-201F 3000-3002") + "+", #"\s+$"#,
                cjk + "+", #"\p{N}+"#,
            ]))
        enter(
            "deepseek-coder",
            .init(patterns: [#"[\r\n]"#, #"\s?\p{L}+"#, #"\s?\p{P}+"#, cjk + "+", #"\p{N}"#]))
        enter("deepseek-v3 hunyuan-dense joyai-llm", .init(patterns: deepseek3))
        enter("tekken", .init(patterns: [tekken], ignoresMerges: true, addsBOS: true))
        enter("gpt-4o llama4 kanana2", .init(patterns: [gpt4o]))
        enter("bloom gpt3-finnish poro-chat", .init(patterns: [bloom]))
        enter("viking", .init(patterns: [bloom, #"\p{N}"#]))
        enter(
            "seed-coder",
            .init(patterns: [
                contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+"#
            ]))
        return table
    }()

    static var known: String { table.keys.sorted().joined(separator: ", ") }
}
