import Foundation
import Report
import Results
import Testing

@Suite struct RenderingTests {
    static let hostile = "a_b _c_ | 50% & $5 #1 <b> {x} ~ ^ \\ \"q\" [l](u) `t` *s*\nnext"

    static func document() -> Document {
        Document(
            title: hostile, origin: "test --> \(hostile)",
            blocks: [
                .heading(2, "Heading"), .paragraph(["plain ", .strong("bold"), .text(" "), .code("co`de")]),
                .list([["one"], [.text(hostile)]]), .note(["careful"]), .code("a\n```\nb", language: "sh"),
                .table(
                    DocumentTable(
                        name: "t", caption: "Caption",
                        columns: [TableColumn("Name"), TableColumn("Value, % ↓", .number)],
                        rows: [
                            [
                                TableCell(hostile),
                                TableCell("1.0", detail: "[0.5, 2.0] (Δ -3.0†)", isBest: true, value: 1),
                            ],
                            [.code("x|y"), TableCell("")],
                        ])),
            ])
    }

    @Test func markdownIsExact() {
        let escaped = ##"a_b \_c\_ \| 50% &amp; \$5 \#1 &lt;b&gt; {x} \~ ^ \\ "q" [l\](u) \`t\` \*s\* next"##
        let text = Document.markdown(Self.document())
        let body = text.split(separator: "\n", omittingEmptySubsequences: false).drop { !$0.hasPrefix("# ") }
        #expect(
            body.joined(separator: "\n") == """
                # \(escaped)

                ## Heading

                plain **bold** ``co`de``

                - one
                - \(escaped)

                > **Note.** careful

                ````sh
                a
                ```
                b
                ````

                **Caption**

                | Name | Value, % ↓ |
                |:--|--:|
                | \(escaped) | **1.0** [0.5, 2.0] (Δ -3.0†) |
                | `x\\|y` |  |

                """)
        #expect(text.hasPrefix("<!-- test - -> a_b"))
        #expect(text.components(separatedBy: "-->").count == 2)
    }

    @Test func latexIsExact() {
        let escaped =
            ##"a\_b \_c\_ \textbar{} 50\% \& \$5 \#1 \textless{}b\textgreater{} \{x\} \textasciitilde{} "##
            + #"\textasciicircum{} \textbackslash{} \textquotedbl{}q\textquotedbl{} [l](u) `t` *s* next"#
        let table = Document.latexTables(Self.document())["t"]
        #expect(
            table?.split(separator: "\n").dropFirst().joined(separator: "\n") == #"""
                \begin{table}[htbp]
                \centering
                \caption{Caption}
                \label{tab:t}
                \resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%
                \begin{tabular}{lr}
                \toprule
                Name & Value, \% $\downarrow$ \\
                \midrule
                \#(escaped) & \textbf{1.0} {\small [0.5, 2.0] ($\Delta$ -3.0\dag{})} \\
                \texttt{x\textbar{}y} &  \\
                \bottomrule
                \end{tabular}}
                \end{table}
                """#)
        #expect(table?.split(separator: "\n").first?.hasPrefix("% test") == true)
    }

    @Test func htmlEscapesEverything() {
        let text = Document.html(Self.document())
        #expect(
            text.contains("<h1>a_b _c_ | 50% &amp; $5 #1 &lt;b&gt; {x} ~ ^ \\ &quot;q&quot; [l](u) `t` *s*\nnext</h1>"))
        #expect(!text.contains("<b>"))
        #expect(text.contains("<td class=\"number\" data-value=\"1.0\"><strong>1.0</strong> <small>[0.5, 2.0]"))
        #expect(!text.contains("http://") && !text.contains("https://"))
    }

    @Test(
        arguments: [
            (0, "0"), (0.000012, "1.2e-5"), (0.00123, "0.0012"), (0.0801, "0.0801"), (0.12345, "0.123"), (1.5, "1.50"),
            (-12.345, "-12.3"), (123.44, "123.4"), (123456, "123456"), (.infinity, "inf"), (.nan, "–"),
            (0.99999, "1.00"),
        ] as [(Double, String)])
    func compactNumbers(value: Double, text: String) {
        #expect(NumberFormat.compact(value) == text)
    }

    @Test func otherNumbers() {
        #expect(NumberFormat.value(0.1234, unit: "%") == "12.3")
        #expect(NumberFormat.value(-0.0001, unit: "%") == "0.0")
        #expect(NumberFormat.signed(-0.0001, unit: "%") == "0.0")
        #expect(NumberFormat.signed(0.05, unit: "%") == "+5.0")
        #expect(NumberFormat.interval(0, 1, unit: "%") == "[0.0, 100.0]")
        #expect(NumberFormat.duration(0.25) == "250 ms")
        #expect(NumberFormat.duration(3725) == "1 h 2 min")
        #expect(NumberFormat.bytes(812_000_000) == "812 MB")
        #expect(NumberFormat.parameters(7_240_000_000) == "7.24B")
    }

    @Test func paretoFrontIsThatOfTheDefinition() {
        var seed: UInt64 = 5
        func next() -> Double {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(seed >> 60)
        }
        for _ in 0..<50 {
            let points = (0..<20).map { _ in (x: next(), y: next()) }
            let front = Set(Pareto.front(points).map { [points[$0].x, points[$0].y] })
            let expected = Set(
                points.filter { p in
                    !points.contains { ($0.x <= p.x && $0.y <= p.y) && ($0.x < p.x || $0.y < p.y) }
                }.map { [$0.x, $0.y] })
            #expect(front == expected)
        }
        #expect(Pareto.front([(x: 1, y: .nan), (x: 2, y: .infinity)]) == [1])
        #expect(Pareto.front([]).isEmpty)
    }
}
