import Evals
import Foundation
import Testing

@Suite struct PythonTests {
    @Test func textOperationsEqualCPython() throws {
        for row in try EvalFixtures.array("evals/text.json") {
            let text = try #require(row[0] as? String)
            #expect(Array(PythonText.lower(text).utf8) == Array((row[1] as! String).utf8), "\(text.debugDescription)")
            #expect(Array(PythonText.strip(text).utf8) == Array((row[2] as! String).utf8), "\(text.debugDescription)")
            let parts = PythonText.split(text).map { Array($0.utf8) }
            #expect(parts == (row[3] as! [String]).map { Array($0.utf8) }, "\(text.debugDescription)")
        }
    }

    @Test func randomEqualsCPython() throws {
        let golden = try EvalFixtures.object("evals/random.json")
        for item in try #require(golden["cases"] as? [[Any]]) {
            let seed = try #require(Int(item[0] as! String))
            var random = PythonRandom(seed: seed)
            for step in try #require(item[1] as? [[Any]]) {
                let n = (step[1] as! NSNumber).intValue
                let expected = step[3] as! [String]
                switch step[0] as! String {
                case "bits": #expect(String(random.getRandBits(n)) == expected[0])
                case "below": #expect(String(random.randBelow(n)) == expected[0])
                case "random":
                    _ = random.random()
                    #expect(random.random() == Double(expected[1]))
                default:
                    let k = (step[2] as! NSNumber).intValue
                    #expect(random.sampleIndices(from: n, count: k).map(String.init) == expected, "\(seed) \(n) \(k)")
                }
            }
        }
    }

    @Test func fewShotExamplesOfGSM8KEqualLMEval() throws {
        let golden = try #require(try EvalFixtures.object("evals/random.json")["gsm8k"] as? [String: [Int]])
        var random = PythonRandom(seed: 1234)
        let draws = (0..<1319).map { _ in random.sampleIndices(from: 7473, count: 5) }
        for (row, expected) in golden { #expect(draws[Int(row)!] == expected) }
        #expect(draws[0] == [6374, 3610, 957, 61, 742])
        #expect(draws[1] == [7462, 6610, 4769, 286, 5501])
        #expect(draws[1318] == [220, 4179, 6064, 5599, 5541])
    }
}
