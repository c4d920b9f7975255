/// Which Debian package brings an element, for messages about those that are not installed.
///
/// Taken from the packages of Debian 12; what is missing here is told without a package.
enum PluginPackages {
    /// Nil: not known.
    static func package(of element: String) -> String? {
        if let package = byElement[element] { return package }
        let prefixes = [("avdec_", "libav"), ("avenc_", "libav"), ("avdemux_", "libav"), ("avmux_", "libav")]
        if let (_, package) = prefixes.first(where: { element.hasPrefix($0.0) }) { return prefix + package }
        if element.hasPrefix("vaapi") { return prefix + "vaapi" }
        if element.hasPrefix("rtp"), element.hasSuffix("pay") { return prefix + "plugins-good" }
        return nil
    }

    /// All elements that are known by name.
    static var names: some Sequence<String> { byElement.keys }

    private static let prefix = "gstreamer1.0-"

    private static let byElement: [String: String] = {
        var packages: [String: String] = [:]
        for (package, elements) in lists {
            for element in elements.split(whereSeparator: \.isWhitespace) {
                packages[String(element)] = prefix + package
            }
        }
        return packages
    }()

    private static let lists: [(String, String)] = [
        ("nice", "nicesink nicesrc"), ("pipewire", "pipewiresink pipewiresrc"),
        (
            "alsa",
            """
            alsadeviceprovider alsamidisrc alsasink alsasrc
            """
        ),
        (
            "x",
            """
            clockoverlay textoverlay textrender timeoverlay ximagesink xvimagesink
            """
        ),
        (
            "plugins-base",
            """
            adder appsink appsrc audioconvert audiointerleave audiomixer audiorate audioresample
            audiotestsrc cdparanoiasrc compositor decodebin decodebin3 encodebin encodebin2 giosink
            giosrc giostreamsink giostreamsrc liveadder multifdsink multisocketsink oggaviparse
            oggdemux oggmux oggparse ogmaudioparse ogmtextparse ogmvideoparse opusdec opusenc
            overlaycomposition parsebin playbin playbin3 playsink rawaudioparse rawvideoparse
            socketsrc ssaparse streamsynchronizer subparse subparse_typefind subtitleoverlay
            tcpclientsink tcpclientsrc tcpserversink tcpserversrc theoradec theoraenc theoraparse
            unalignedaudioparse unalignedvideoparse uridecodebin uridecodebin3 urisourcebin
            videoconvert videoconvertscale videorate videoscale videotestsrc volume vorbisdec
            vorbisenc vorbisparse vorbistag
            """
        ),
        (
            "plugins-good",
            """
            3gppmux aacparse aasink aatv ac3parse agingtv alawdec alawenc alpha alphacolor amrparse
            apedemux apev2mux aspectratiocrop asteriskh263 audioamplify audiochebband audiocheblimit
            audiodynamic audioecho audiofirfilter audioiirfilter audioinvert audiokaraoke
            audiopanorama audiowsincband audiowsinclimit auparse autoaudiosink autoaudiosrc
            autovideosink autovideosrc avidemux avimux avisubtitle breakmydata cacasink cacatv
            cairooverlay capssetter cpureport cutter dashdemux2 dcaparse deinterlace deinterleave
            dicetv dtmfsrc dv1394src dvdec dvdemux dynudpsink edgetv equalizer-10bands
            equalizer-3bands equalizer-nbands flacdec flacenc flacparse flactag flvdemux flvmux
            flxdec gamma gdkpixbufdec gdkpixbufoverlay gdkpixbufsink goom goom2k1 hdv1394src
            hlsdemux2 icydemux id3demux id3v2mux imagefreeze imagesequencesrc interleave ismlmux
            jackaudiosink jackaudiosrc jpegdec jpegenc lamemp3enc level matroskademux matroskamux
            matroskaparse mj2mux monoscope mp4mux mpegaudioparse mpg123audiodec mssdemux2 mulawdec
            mulawenc multifilesink multifilesrc multipartdemux multipartmux multiudpsink
            navigationtest navseek optv oss4sink oss4src osssink osssrc pngdec pngenc progressreport
            pulsedeviceprovider pulsesink pulsesrc pushfilesrc qtdemux qtmoovrecover qtmux quarktv
            radioactv revtv rganalysis rglimiter rgvolume rippletv rndbuffersize rtpbin rtpdec
            rtpdtmfmux rtpdtmfsrc rtpfunnel rtphdrextclientaudiolevel rtphdrextcolorspace
            rtphdrextmid rtphdrextntp64 rtphdrextrepairedstreamid rtphdrextstreamid rtphdrexttwcc
            rtpjitterbuffer rtpmux rtpptdemux rtpreddec rtpredenc rtprtxqueue rtprtxreceive
            rtprtxsend rtpsession rtpssrcdemux rtpst2022-1-fecdec rtpst2022-1-fecenc rtpstorage
            rtpulpfecdec rtpulpfecenc rtspsrc sbcparse scaletempo shagadelictv shapewipe shout2send
            smpte smptealpha souphttpclientsink souphttpsrc spectrum speexdec speexenc splitfilesrc
            splitmuxsink splitmuxsrc stereo streaktv taginject testsink twolamemp2enc udpsink udpsrc
            v4l2deviceprovider v4l2radio v4l2sink v4l2src vertigotv videobalance videobox videocrop
            videoflip videomedian videomixer vp8dec vp8enc vp9dec vp9enc warptv wavenc wavpackdec
            wavpackenc wavpackparse wavparse webmmux ximagesrc xingmux y4menc
            """
        ),
        (
            "plugins-bad",
            """
            accurip aesdec aesenc aiffmux aiffparse asfmux av1dec av1enc av1parse avwait bpmdetect
            bs2b camerabin checksumsink chromahold clockselect compare dashdemux dashsink debugspy
            decklinkaudiosink decklinkaudiosrc decklinkvideosink decklinkvideosrc dtlsdec dtlsenc
            dtlssrtpdec dtlssrtpenc errorignore faad fakeaudiosink fakevideosink fdkaacenc festival
            freeverb gdpdepay gdppay h263parse h264parse h264timestamper h265parse h265timestamper
            hlsdemux hlssink hlssink2 id3mux interaudiosink interaudiosrc intersubsink intersubsrc
            intervideosink intervideosrc ipcpipelinesink ipcpipelinesrc jp2kdecimator jpegparse
            kmssink mpeg2enc mpeg4videoparse mpegpsdemux mpegpsmux mpegtsmux mpegvideoparse mplex
            mssdemux mxfdemux mxfmux netsim nvh264enc openh264dec openh264enc openjpegdec
            openjpegenc opusparse pcapparse pngparse proxysink proxysrc removesilence rfbsrc
            ristrtpext ristsink ristsrc rsvgdec rsvgoverlay rtmp2sink rtmp2src rtmpsink rtmpsrc
            rtponvifparse rtpsink rtpsrc sbcdec sbcenc sdpdemux sdpsrc sfdec shmsink shmsrc speed
            srtclientsink srtclientsrc srtpdec srtpenc srtserversink srtserversrc srtsink srtsrc
            svthevcenc switchbin timecodestamper tsdemux tsparse ttmlparse ttmlrender uvch264src
            vah264enc vc1parse videocodectestsink videodiff videoframe-audiolevel vmncdec voaacenc
            voamrwbenc vp9parse watchdog waylandsink webpdec webpenc webrtcbin webrtcdsp
            webrtcechoprobe x265enc zbar zxing
            """
        ),
        (
            "plugins-ugly",
            """
            a52dec amrnbdec amrnbenc amrwbdec asfdemux cdiocddasrc dvdlpcmdec dvdreadsrc dvdsubdec
            dvdsubparse mpeg2dec pnmsrc rademux rdtdepay rdtmanager rmdemux rtspreal rtspwms siddec
            x264enc
            """
        ),
    ]
}
