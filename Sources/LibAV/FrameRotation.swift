extension Frame {
    /// The picture turned clockwise, for sources that say "turn me" instead of storing it upright.
    /// - Parameter degrees: 90, 180 or 270; anything else gives the picture as it is.
    public func turned(by degrees: Int) throws(LibAVError) -> Frame {
        guard [90, 180, 270].contains(degrees) else { return self }
        let isSideways = degrees != 180
        let turned = try Frame(width: isSideways ? height : width, height: isSideways ? width : height)
        for plane in 0..<3 {
            let columns = plane == 0 ? width : (width + 1) / 2
            let rows = plane == 0 ? height : (height + 1) / 2
            _ = withPlane(plane) { from, fromStride in
                turned.withPlane(plane) { to, toStride in
                    for y in 0..<rows {
                        for x in 0..<columns {
                            let (newX, newY) =
                                switch degrees {
                                case 90: (rows - 1 - y, x)
                                case 180: (columns - 1 - x, rows - 1 - y)
                                default: (y, columns - 1 - x)
                                }
                            to[newY * toStride + newX] = from[y * fromStride + x]
                        }
                    }
                }
            }
        }
        turned.presentation = presentation
        return turned
    }
}
