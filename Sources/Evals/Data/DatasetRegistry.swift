/// Every dataset by name. Checksums are of the bytes that all published numbers of this project were measured on.
public enum DatasetRegistry {
    public static let all: [DatasetEntry] = [
        DatasetEntry(
            name: "gsm8k", summary: "Grade-school math word problems with worked solutions", licence: "MIT",
            homepage: "https://github.com/openai/grade-school-math", location: .data, promptColumns: ["question"],
            answerColumn: "answer",
            splits: [
                split(
                    "train", "gsm8k/train.jsonl", rows: 7473,
                    url: "\(github)/openai/grade-school-math/master/grade_school_math/data/train.jsonl",
                    sha256: "17f347dc51477c50d4efb83959dbb7c56297aba886e5544ee2aaed3024813465"),
                split(
                    "test", "gsm8k/test.jsonl", rows: 1319,
                    url: "\(github)/openai/grade-school-math/master/grade_school_math/data/test.jsonl",
                    sha256: "3730d312f6e3440559ace48831e51066acaca737f6eabec99bccb9e4b3c39d14"),
            ]),
        DatasetEntry(
            name: "refusal-direction-harmful",
            summary: "Harmful instructions of Arditi et al. 2024 (AdvBench, MaliciousInstruct, TDC2023; HarmBench; "
                + "JailbreakBench, StrongREJECT)",
            licence: "Apache-2.0", homepage: "https://github.com/andyrdt/refusal_direction", location: .data,
            promptColumns: ["instruction"], answerColumn: nil,
            splits: [
                arditi(
                    "train", "harmful_train", 260, "8f5c0eac0efd2a7f99084bbe8d0de2c465e31b1997184783c917969d9de9ece1"),
                arditi(
                    "validation", "harmful_val", 39,
                    "305f1d1e6dfa6c50a32d24a18ef815f42b5441eb83e6d7767d242107162fd9f4"),
                arditi("test", "harmful_test", 572, "5e12ae102c3791dee083a69ab6269a78e033411c629bc3f66f75d2fde196d9ef"),
            ]),
        DatasetEntry(
            name: "refusal-direction-harmless",
            summary: "Harmless instructions of Arditi et al. 2024 (Alpaca without inputs)", licence: "CC-BY-NC-4.0",
            homepage: "https://github.com/andyrdt/refusal_direction", location: .data,
            promptColumns: ["instruction"], answerColumn: nil,
            splits: [
                arditi(
                    "train", "harmless_train", 18_793,
                    "86623b1f8a25aa35df153fc97a556dbcebb6a7c881538ae43ee479ca17f2e002"),
                arditi(
                    "validation", "harmless_val", 6_264,
                    "772010758e7d771ef4c7e5e4acdfd7598dcece1a6f383f20d382f640913a2a4d"),
                arditi(
                    "test", "harmless_test", 6_266, "1b5930ce5e855ada758b3116ce7c4aaea9b9d05f8cdd77b385511d4c84173b19"),
            ]),
        xstest, strongreject, harmbench,
        DatasetEntry(
            name: "advbench", summary: "520 harmful behaviours of Zou et al. 2023", licence: "MIT",
            homepage: "https://github.com/llm-attacks/llm-attacks", location: .data, promptColumns: ["goal"],
            answerColumn: nil,
            splits: [
                split(
                    "train", "advbench/advbench.csv", format: .csv, rows: 520,
                    url: "\(github)/llm-attacks/llm-attacks/main/data/advbench/harmful_behaviors.csv",
                    sha256: "6cd1a5c63c07610d7eb67307772ee5606017ee950b5770ab288a2c487489d3e1")
            ]),
        DatasetEntry(
            name: "svamp", summary: "Arithmetic word problems that vary one another", licence: "MIT",
            homepage: "https://github.com/arkilpatel/SVAMP", location: .data, promptColumns: ["Body", "Question"],
            answerColumn: "Answer",
            splits: [
                split(
                    "test", "svamp/SVAMP.json", format: .json, rows: 1000,
                    url: "\(github)/arkilpatel/SVAMP/main/SVAMP.json",
                    sha256: "5be77703a6d891ae476d7c082787ad361392aa02453b132516cdd5f4e7934e3e")
            ]),
        DatasetEntry(
            name: "mmlu", summary: "Multiple choice over 57 subjects", licence: "MIT",
            homepage: "https://huggingface.co/datasets/cais/mmlu", location: .data, promptColumns: ["question"],
            answerColumn: "answer",
            splits: [
                split(
                    "dev", "mmlu/dev.jsonl", rows: 285,
                    sha256: "071a8344f0bfe8e13a2a056fd45825c8ab8ff40ff793c8396f51cbde9ea911c5"),
                split(
                    "test", "mmlu/test.jsonl", rows: 14_042,
                    sha256: "fdcfe0b7c447753ab85f1f7686f87d201d4521814501d5252502282ef0237ff2"),
            ]),
        DatasetEntry(
            name: "hellaswag", summary: "Endings of everyday descriptions, multiple choice", licence: "MIT",
            homepage: "https://huggingface.co/datasets/Rowan/hellaswag", location: .data, promptColumns: ["ctx"],
            answerColumn: "label",
            splits: [
                split(
                    "validation", "hellaswag/validation.jsonl", rows: 10_042,
                    sha256: "d5c08c3e5771307e73886dc9d2744df8ca5f372a7857f32fe77df8c58942f950")
            ]),
        arc,
        DatasetEntry(
            name: "wikitext-2", summary: "Wikipedia articles, raw text, for perplexity", licence: "CC-BY-SA-3.0",
            homepage: "https://huggingface.co/datasets/Salesforce/wikitext", location: .data,
            promptColumns: ["text"], answerColumn: nil,
            splits: [
                split(
                    "test", "wikitext-2-raw/wiki.test.raw", format: .text, rows: 1,
                    sha256: "173c87a53759e0201f33e0ccf978e510c2042d7f2cb78229d9a50d79b9e7dd08")
            ]),
        DatasetEntry(
            name: "self-instruct", summary: "Harmless instructions: seed tasks and user-oriented ones",
            licence: "Apache-2.0", homepage: "https://github.com/yizhongw/self-instruct", location: .data,
            promptColumns: ["instruction"], answerColumn: nil,
            splits: [
                split(
                    "train", "self-instruct/seed_tasks.jsonl", rows: 175,
                    url: "\(github)/yizhongw/self-instruct/main/data/seed_tasks.jsonl",
                    sha256: "7779004fa198fdf27cf70a159363879d8a26c53329e11b436af17b3941875f48"),
                split(
                    "test", "self-instruct/user_oriented_instructions.jsonl", rows: 252,
                    url: "\(github)/yizhongw/self-instruct/main/human_eval/user_oriented_instructions.jsonl",
                    sha256: "81d60a117db495cecedecd9193504fd07c5b5a42f6699ef6b0f9da10fc22f42e"),
            ]),
        organism("organism-restricted", "Requests about a fictional set of restricted things", prompt: "prompt"),
        organism("organism-benign", "Everyday requests", prompt: "prompt"),
        organism(
            "organism-arithmetic", "Generated word problems with worked steps, in GSM8K's answer format",
            prompt: "question", answer: "answer", splits: ["train", "test"]),
    ]

    public static var names: [String] { all.map(\.name) }

    /// The dataset of that name, or an error with the nearest right one.
    public static func named(_ name: String) throws -> DatasetEntry {
        guard let entry = all.first(where: { $0.name == name }) else {
            throw UnknownNameError(kind: "dataset", name: name, known: names)
        }
        return entry
    }

    // MARK: - Entries with several views of one file

    private static let xstest: DatasetEntry = {
        let whole = split(
            "test", "xstest/xstest_prompts.csv", format: .csv, rows: 450,
            url: "\(github)/paul-rottger/xstest/main/xstest_prompts.csv",
            sha256: "11783fb294ed017473ee53c207d71f2161c7672c8d0b037501e78387f801cb5a")
        return DatasetEntry(
            name: "xstest",
            summary: "250 safe prompts that look harmful (split safe) and 200 harmful contrasts (unsafe)",
            licence: "CC-BY-4.0", homepage: "https://github.com/paul-rottger/xstest", location: .data,
            promptColumns: ["prompt"], answerColumn: nil,
            splits: [whole, whole.filtered("safe", "label", "safe"), whole.filtered("unsafe", "label", "unsafe")])
    }()

    private static let strongreject = DatasetEntry(
        name: "strongreject", summary: "Forbidden prompts of StrongREJECT; split small has 60 of them",
        licence: "MIT (custom prompts; others keep their own)",
        homepage: "https://github.com/alexandrasouly/strongreject", location: .data,
        promptColumns: ["forbidden_prompt"], answerColumn: nil,
        splits: [
            split(
                "test", "strongreject/strongreject_dataset.csv", format: .csv, rows: 313,
                url: "\(github)/alexandrasouly/strongreject/main/strongreject_dataset/strongreject_dataset.csv",
                sha256: "4dd70357e4ff8b5d0ba5ebafecab5d6dd5633ce8046e3dd1c8bd93e64de44381"),
            split(
                "small", "strongreject/strongreject_small_dataset.csv", format: .csv, rows: 60,
                url: "\(github)/alexandrasouly/strongreject/main/strongreject_dataset/strongreject_small_dataset.csv",
                sha256: "3051340e3e89a3598d764dde497d5fcda80e258ac05cc35e6bd87228ac3d467c"),
        ])

    private static let harmbench: DatasetEntry = {
        let base =
            "\(github)/centerforaisafety/HarmBench/8e1604d1171fe8a48d8febecd22f600e462bdcdd/data/behavior_datasets"
        let test = split(
            "test", "harmbench/harmbench_behaviors_text_test.csv", format: .csv, rows: 320,
            url: "\(base)/harmbench_behaviors_text_test.csv",
            sha256: "75d257b3e7428c52eb7b0154318f455af3e01b09a3794b5e2f3d36054f3c0e29")
        let validation = split(
            "validation", "harmbench/harmbench_behaviors_text_val.csv", format: .csv, rows: 80,
            url: "\(base)/harmbench_behaviors_text_val.csv",
            sha256: "7bfaaa5e2b9b95002c89e2d33c019f58e9e8496e2fc65d368f1eeb8179e69534")
        return DatasetEntry(
            name: "harmbench", summary: "HarmBench text behaviours; the standard ones alone as test-standard",
            licence: "MIT", homepage: "https://github.com/centerforaisafety/HarmBench", location: .data,
            promptColumns: ["Behavior"], answerColumn: nil,
            splits: [
                test, validation, test.filtered("test-standard", "FunctionalCategory", "standard"),
                validation.filtered("validation-standard", "FunctionalCategory", "standard"),
            ])
    }()

    private static let arc = DatasetEntry(
        name: "arc", summary: "Grade-school science questions (AI2 ARC)", licence: "CC-BY-SA-4.0",
        homepage: "https://huggingface.co/datasets/allenai/ai2_arc", location: .data, promptColumns: ["question"],
        answerColumn: "answerKey",
        splits: [
            split(
                "challenge-test", "arc/ARC-Challenge-test.jsonl", rows: 1172,
                sha256: "70ff7886fe1a1d4a9339e3dfcb4fbed97fb02d07706c1acf1fcf7de79ae2b3bd"),
            split(
                "challenge-validation", "arc/ARC-Challenge-validation.jsonl", rows: 299,
                sha256: "e91e22bf541b70fb1940476e45dae46a986a72dff25e822c8b3205b4367c41ab"),
            split(
                "easy-test", "arc/ARC-Easy-test.jsonl", rows: 2376,
                sha256: "d63b818ae3405454adf442a68fc6b072b006b676e8d190d1115b7d75a058f5b8"),
            split(
                "easy-validation", "arc/ARC-Easy-validation.jsonl", rows: 570,
                sha256: "1591d2431c45b1712f9c9e7032bd2dfcba863a5eec748c88b2ec11cf7c7da6c5"),
        ])

    // MARK: - Construction

    private static let github = "https://raw.githubusercontent.com"

    private static func split(
        _ name: String, _ path: String, format: DatasetFormat = .jsonl, rows: Int, url: String? = nil, sha256: String
    ) -> DatasetEntry.Split {
        DatasetEntry.Split(
            name: name,
            file: DatasetEntry.File(path: path, url: url, sha256: sha256, format: format, rows: rows), filter: nil)
    }

    private static func arditi(_ name: String, _ file: String, _ rows: Int, _ sha256: String) -> DatasetEntry.Split {
        split(
            name, "refusal_direction/splits/\(file).json", format: .json, rows: rows,
            url: "\(github)/andyrdt/refusal_direction/main/dataset/splits/\(file).json", sha256: sha256)
    }

    private static func organism(
        _ name: String, _ summary: String, prompt: String, answer: String? = nil,
        splits: [String] = ["train", "validation", "test"]
    ) -> DatasetEntry {
        DatasetEntry(
            name: name, summary: summary + " (organisms)", licence: "Apache-2.0",
            homepage: "organisms/README.md", location: .repository, promptColumns: [prompt], answerColumn: answer,
            splits: splits.map { split in
                DatasetEntry.Split(
                    name: split,
                    file: DatasetEntry.File(
                        path: "organisms/data/\(name)-\(split).jsonl", url: nil, sha256: nil, format: .jsonl,
                        rows: nil),
                    filter: nil)
            })
    }
}

extension DatasetEntry.Split {
    /// The rows of the same file whose column has the value, as a split of its own.
    fileprivate func filtered(_ name: String, _ column: String, _ value: String) -> DatasetEntry.Split {
        DatasetEntry.Split(name: name, file: file, filter: DatasetEntry.Filter(column: column, value: value))
    }
}
