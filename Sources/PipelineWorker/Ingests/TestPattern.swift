import LibAV

/// The built-in picture: a clock, a moving bar, a flash each second, and its own frame number for programs to read.
///
///     +---------------+---------------+
///     |  white in the |   00:00:07.133|   The top left quarter is white in the first three frames of each
///     |  flash, else  |               |   second, when the tone beeps, and black otherwise.
///     |  black        |               |
///     +---------------+---------------+
///     |        ▮→  a bar, once across in two seconds
///     +-------------------------------+
///     |▮▯▯▮…  20 blocks: the frame number, most significant bit first, white is 1
///     +-------------------------------+   The strip is a sixth of the height.
struct TestPattern {
    static let flashFrames = 3
    static let numberBits = 20

    let width: Int
    let height: Int
    let framesPerSecond: Int

    private enum Level {
        static let black: UInt8 = 16
        static let white: UInt8 = 235
        /// A calm blue.
        static let ground: (UInt8, UInt8, UInt8) = (52, 148, 112)
        static let lane: (UInt8, UInt8, UInt8) = (36, 140, 118)
        static let bar: (UInt8, UInt8, UInt8) = (170, 44, 160)
        static let digits: (UInt8, UInt8, UInt8) = (220, 128, 128)
    }

    func draw(_ number: Int) throws(LibAVError) -> Frame {
        let frame = try Frame(width: width, height: height)
        var canvas = Canvas(frame: frame, width: width, height: height)
        canvas.fill(0..<width, 0..<height, Level.ground)
        let isFlash = number % framesPerSecond < Self.flashFrames
        let level = isFlash ? Level.white : Level.black
        canvas.fill(0..<width / 2, 0..<height / 2, (level, 128, 128))
        drawClock(number, on: &canvas)
        drawBar(number, on: &canvas)
        drawNumber(number, on: &canvas)
        return frame
    }

    private func drawBar(_ number: Int, on canvas: inout Canvas) {
        let lane = height * 7 / 12..<height * 9 / 12
        canvas.fill(0..<width, lane, Level.lane)
        let barWidth = max(4, width / 24)
        let across = 2 * framesPerSecond
        let left = (width - barWidth) * (number % across) / max(1, across - 1)
        canvas.fill(left..<left + barWidth, lane, Level.bar)
    }

    private func drawNumber(_ number: Int, on canvas: inout Canvas) {
        let strip = height - height / 6..<height
        for bit in 0..<Self.numberBits {
            let isOne = number >> (Self.numberBits - 1 - bit) & 1 == 1
            let columns = width * bit / Self.numberBits..<width * (bit + 1) / Self.numberBits
            canvas.fill(columns, strip, (isOne ? Level.white : Level.black, 128, 128))
        }
    }

    // MARK: The clock

    /// Which segments a digit lights: top, upper left, upper right, middle, lower left, lower right, bottom.
    private static let segments: [[Bool]] = [
        "1110111", "0010010", "1011101", "1011011", "0111010", "1101011", "1101111", "1010010", "1111111", "1111011",
    ].map { $0.map { $0 == "1" } }

    private func drawClock(_ number: Int, on canvas: inout Canvas) {
        let milliseconds = number * 1000 / framesPerSecond
        let seconds = milliseconds / 1000
        let fields = [(seconds / 3600 % 100, 2), (seconds / 60 % 60, 2), (seconds % 60, 2), (milliseconds % 1000, 3)]
        let separators: [Character] = [":", ":", ".", " "]
        // Nine digits and three half-wide separators in the right half, with a margin.
        let cell = max(6, width * 9 / 20 / 11)
        var x = width / 2 + width / 40
        let y = height / 6
        for (field, separator) in zip(fields, separators) {
            var divisor = 1
            for _ in 1..<field.1 { divisor *= 10 }
            while divisor > 0 {
                drawDigit(field.0 / divisor % 10, x: x, y: y, cell: cell, on: &canvas)
                x += cell
                divisor /= 10
            }
            drawSeparator(separator, x: x, y: y, cell: cell, on: &canvas)
            x += cell / 2
        }
    }

    private func drawDigit(_ digit: Int, x: Int, y: Int, cell: Int, on canvas: inout Canvas) {
        let thick = max(1, cell / 6)
        let wide = cell * 4 / 5
        let tall = cell * 8 / 5
        let middle = y + (tall - thick) / 2
        let left = x..<x + thick
        let right = x + wide - thick..<x + wide
        let upper = y..<middle + thick
        let lower = middle..<y + tall
        let places = [
            (x..<x + wide, y..<y + thick), (left, upper), (right, upper), (x..<x + wide, middle..<middle + thick),
            (left, lower), (right, lower), (x..<x + wide, y + tall - thick..<y + tall),
        ]
        for (place, isLit) in zip(places, Self.segments[digit]) where isLit {
            canvas.fill(place.0, place.1, Level.digits)
        }
    }

    private func drawSeparator(_ separator: Character, x: Int, y: Int, cell: Int, on canvas: inout Canvas) {
        let thick = max(1, cell / 6)
        let tall = cell * 8 / 5
        let heights = separator == ":" ? [tall / 3, tall * 2 / 3] : separator == "." ? [tall - thick] : []
        for at in heights { canvas.fill(x..<x + thick, y + at..<y + at + thick, Level.digits) }
    }
}

/// Rectangles on an 8-bit 4:2:0 picture; what lies outside is not drawn.
private struct Canvas {
    let frame: Frame
    let width: Int
    let height: Int

    mutating func fill(_ columns: Range<Int>, _ rows: Range<Int>, _ colour: (UInt8, UInt8, UInt8)) {
        paint(0, columns, rows, colour.0, width, height)
        let halfColumns = columns.lowerBound / 2..<(columns.upperBound + 1) / 2
        let halfRows = rows.lowerBound / 2..<(rows.upperBound + 1) / 2
        paint(1, halfColumns, halfRows, colour.1, (width + 1) / 2, (height + 1) / 2)
        paint(2, halfColumns, halfRows, colour.2, (width + 1) / 2, (height + 1) / 2)
    }

    private func paint(
        _ plane: Int, _ columns: Range<Int>, _ rows: Range<Int>, _ value: UInt8, _ width: Int, _ height: Int
    ) {
        let columns = columns.clamped(to: 0..<width)
        let rows = rows.clamped(to: 0..<height)
        guard !columns.isEmpty else { return }
        frame.withPlane(plane) { bytes, stride in
            for row in rows {
                let start = row * stride + columns.lowerBound
                UnsafeMutableRawBufferPointer(rebasing: bytes[start..<start + columns.count])
                    .initializeMemory(as: UInt8.self, repeating: value)
            }
        }
    }
}
