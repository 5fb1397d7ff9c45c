// Written by test/talos-fields.ts from the types of Talos 1.12, 1.13, 1.14.

/**
 * The settings of Talos' machine configuration: `name:type`, with `@1.14` where it came with that release, and `-1.13`
 * where that was the last. Types: s text, i integer, n number, b true or false, d duration, * anything, args a text or a list of texts
 * by name, [t] a list, {t} by name, else the type of that name. `=`: a patch replaces it. `!`: 0 and '' count in a patch.
 */
export const kinds =
  'v1alpha1:Config SideroLinkConfig:siderolink.Config TrustedRootsConfig:security.TrustedRootsConfig EventSinkConfig:runtime.EventSink KmsgLogConfig:runtime.KmsgLog OOMConfig:runtime.OOM WatchdogTimerConfig:runtime.WatchdogTimer ExtensionServiceConfig:extensions.ServiceConfig BondConfig:network.BondConfig BridgeConfig:network.BridgeConfig NetworkDefaultActionConfig:network.DefaultActionConfig DHCPv4Config:network.DHCPv4Config DHCPv6Config:network.DHCPv6Config DummyLinkConfig:network.DummyLinkConfig EthernetConfig:network.EthernetConfig HCloudVIPConfig:network.HCloudVIPConfig HostnameConfig:network.HostnameConfig KubeSpanEndpointsConfig:network.KubespanEndpointsConfig Layer2VIPConfig:network.Layer2VIPConfig LinkConfig:network.LinkConfig LinkAliasConfig:network.LinkAliasConfig ResolverConfig:network.ResolverConfig NetworkRuleConfig:network.RuleConfig StaticHostConfig:network.StaticHostConfig TimeSyncConfig:network.TimeSyncConfig VLANConfig:network.VLANConfig WireguardConfig:network.WireguardConfig PCIDriverRebindConfig:hardware.PCIDriverRebindConfig RegistryAuthConfig:cri.RegistryAuthConfig RegistryMirrorConfig:cri.RegistryMirrorConfig RegistryTLSConfig:cri.RegistryTLSConfig ExistingVolumeConfig:block.ExistingVolumeConfig RawVolumeConfig:block.RawVolumeConfig SwapVolumeConfig:block.SwapVolumeConfig UserVolumeConfig:block.UserVolumeConfig VolumeConfig:block.VolumeConfig ZswapConfig:block.ZswapConfig ImageVerificationConfig:security.ImageVerificationConfig@1.13 EnvironmentConfig:runtime.Environment@1.13 BlackholeRouteConfig:network.BlackholeRouteConfig@1.13 KubeSpanConfig:network.KubeSpanConfig@1.13 RoutingRuleConfig:network.RoutingRuleConfig@1.13 TCPProbeConfig:network.TCPProbeConfig@1.13 VRFConfig:network.VRFConfig@1.13 ExternalVolumeConfig:block.ExternalVolumeConfig@1.13 LVMLogicalVolumeConfig:storage.LVMLogicalVolumeConfig@1.14 LVMVolumeGroupConfig:storage.LVMVolumeGroupConfig@1.14 RAIDArrayConfig:storage.RAIDArrayConfig@1.14 EtcFileConfig:runtime.EtcFileConfig@1.14 KernelModuleConfig:runtime.KernelModuleConfig@1.14 SecurityProfileConfig:runtime.SecurityProfileConfig@1.14 SysctlConfig:runtime.SysctlConfig@1.14 SysfsConfig:runtime.SysfsConfig@1.14 UdevRulesConfig:runtime.UdevRulesConfig@1.14 UnattendedInstallConfig:runtime.UnattendedInstallConfig@1.14 BGPInstanceConfig:network.BGPInstanceConfig@1.14 HTTPProbeConfig:network.HTTPProbeConfig@1.14 VethConfig:network.VethConfig@1.14 KubeAdmissionControlConfig:k8s.KubeAdmissionControlConfig@1.14 KubeAggregatorCAConfig:k8s.KubeAggregatorCAConfig@1.14 KubeAPIServerConfig:k8s.KubeAPIServerConfig@1.14 KubeAPIServerCAConfig:k8s.KubeAPIServerCAConfig@1.14 KubeAuditPolicyConfig:k8s.KubeAuditPolicyConfig@1.14 KubeAuthenticationConfig:k8s.KubeAuthenticationConfig@1.14 KubeAuthorizerConfig:k8s.KubeAuthorizerConfig@1.14 KubeClusterConfig:k8s.KubeClusterConfig@1.14 KubeControllerManagerConfig:k8s.KubeControllerManagerConfig@1.14 KubeCoreDNSConfig:k8s.KubeCoreDNSConfig@1.14 KubeCredentialProviderConfig:k8s.KubeCredentialProviderConfig@1.14 KubeEtcdEncryptionConfig:k8s.KubeEtcdEncryptionConfig@1.14 KubeExternalManifestConfig:k8s.KubeExternalManifestConfig@1.14 KubeFlannelCNIConfig:k8s.KubeFlannelCNIConfig@1.14 KubeInlineManifestConfig:k8s.KubeInlineManifestConfig@1.14 KubeletConfig:k8s.KubeletConfig@1.14 KubePrismConfig:k8s.KubePrismConfig@1.14 KubeNetworkConfig:k8s.KubeNetworkConfig@1.14 KubeNodeConfig:k8s.KubeNodeConfig@1.14 KubeProxyConfig:k8s.KubeProxyConfig@1.14 KubeSchedulerConfig:k8s.KubeSchedulerConfig@1.14 KubeServiceAccountConfig:k8s.KubeServiceAccountConfig@1.14 KubeStaticPodConfig:k8s.KubeStaticPodConfig@1.14 KubeTalosAPIAccessConfig:k8s.KubeTalosAPIAccessConfig@1.14 CRIBaseRuntimeSpecConfig:cri.CRIBaseRuntimeSpecConfig@1.14 CRICustomizationConfig:cri.CRICustomizationConfig@1.14 ImageCacheConfig:cri.ImageCacheConfig@1.14 ContainerConfig:container.ContainerConfig@1.14 DiscoveryIdentityConfig:cluster.DiscoveryIdentityConfig@1.14 DiscoveryServiceConfig:cluster.DiscoveryServiceConfig@1.14 FilesystemTrimConfig:block.FilesystemTrimConfig@1.14 FilesystemScrubConfig:block.FilesystemScrubConfig@1.14'

export const types: Readonly<Record<string, string>> = {
  APIServerConfig:
    'image:s extraArgs:args extraVolumes:[VolumeMountConfig] env:{s} certSANs:[s] disablePodSecurityPolicy:b admissionControl:[AdmissionPluginConfig] auditPolicy:*= resources:ResourcesConfig authorizationConfig:[AuthorizationConfigAuthorizerConfig]',
  AdminKubeconfigConfig: 'certLifetime:d',
  AdmissionPluginConfig: 'name:s configuration:*',
  ArgValue: '',
  AuthorizationConfigAuthorizerConfig: 'type:s name:s webhook:*',
  Bond: 'interfaces:[s] deviceSelectors:[NetworkDeviceSelector] arpIPTarget:[s] mode:s xmitHashPolicy:s lacpRate:s adActorSystem:s arpValidate:s arpAllTargets:s primary:s primaryReselect:s failOverMac:s adSelect:s miimon:i updelay:i downdelay:i arpInterval:i resendIgmp:i minLinks:i lpInterval:i packetsPerSlave:i numPeerNotif:i tlbDynamicLb:i allSlavesActive:i useCarrier:b adActorSysPrio:i adUserPortKey:i peerNotifyDelay:i',
  Bridge: 'interfaces:[s] stp:STP vlan:BridgeVLAN',
  BridgePort: 'master:s',
  BridgeVLAN: 'vlanFiltering:b',
  CNIConfig: 'name:s urls:[s] flannel:FlannelCNIConfig',
  ClusterConfig:
    'id:s secret:s controlPlane:ControlPlaneConfig clusterName:s network:ClusterNetworkConfig token:s aescbcEncryptionSecret:s secretboxEncryptionSecret:s ca:x509.PEMEncodedCertificateAndKey acceptedCAs:[x509.PEMEncodedCertificate] aggregatorCA:x509.PEMEncodedCertificateAndKey serviceAccount:x509.PEMEncodedKey apiServer:APIServerConfig controllerManager:ControllerManagerConfig proxy:ProxyConfig scheduler:SchedulerConfig discovery:ClusterDiscoveryConfig etcd:EtcdConfig coreDNS:CoreDNS externalCloudProvider:ExternalCloudProviderConfig extraManifests:[s] extraManifestHeaders:{s} inlineManifests:[ClusterInlineManifest] adminKubeconfig:AdminKubeconfigConfig allowSchedulingOnMasters:b allowSchedulingOnControlPlanes:b',
  ClusterDiscoveryConfig: 'enabled:b registries:DiscoveryRegistriesConfig',
  ClusterInlineManifest: 'name:s contents:s',
  ClusterNetworkConfig: 'cni:CNIConfig dnsDomain:s podSubnets:[s]= serviceSubnets:[s]=',
  Config: 'version:s debug:b persist:b machine:MachineConfig cluster:ClusterConfig',
  ControlPlaneConfig: 'endpoint:s! localAPIServerPort:i',
  ControllerManagerConfig: 'image:s extraArgs:args extraVolumes:[VolumeMountConfig] env:{s} resources:ResourcesConfig',
  CoreDNS: 'disabled:b image:s',
  DHCPOptions: 'routeMetric:i ipv4:b ipv6:b duidv6:s',
  Device:
    'interface:s deviceSelector:NetworkDeviceSelector addresses:[s] cidr:s routes:[Route] bond:Bond bridge:Bridge bridgePort:BridgePort vlans:[Vlan] mtu:i dhcp:b ignore:b dummy:b dhcpOptions:DHCPOptions wireguard:DeviceWireguardConfig vip:DeviceVIPConfig',
  DeviceVIPConfig: 'ip:s equinixMetal:VIPEquinixMetalConfig hcloud:VIPHCloudConfig',
  DeviceWireguardConfig: 'privateKey:s listenPort:i firewallMark:i peers:[DeviceWireguardPeer]',
  DeviceWireguardPeer: 'publicKey:s endpoint:s persistentKeepaliveInterval:d allowedIPs:[s]',
  DiscoveryRegistriesConfig: 'kubernetes:RegistryKubernetesConfig service:RegistryServiceConfig',
  DiskPartition: 'size:s mountpoint:s',
  EncryptionConfig: 'provider:s keys:[EncryptionKey] cipher:s keySize:i blockSize:i options:[s]',
  EncryptionKey:
    'static:EncryptionKeyStatic nodeID:EncryptionKeyNodeID kms:EncryptionKeyKMS slot:i tpm:EncryptionKeyTPM',
  EncryptionKeyKMS: 'endpoint:s',
  EncryptionKeyNodeID: '',
  EncryptionKeyStatic: 'passphrase:s',
  EncryptionKeyTPM: 'checkSecurebootStatusOnEnroll:b',
  EtcdConfig:
    'image:s ca:x509.PEMEncodedCertificateAndKey extraArgs:args subnet:s advertisedSubnets:[s] listenSubnets:[s]',
  ExternalCloudProviderConfig: 'enabled:b manifests:[s]',
  ExtraHost: 'ip:s aliases:[s]',
  ExtraMount: 'destination:s type:s source:s options:[s] uidMappings:[LinuxIDMapping] gidMappings:[LinuxIDMapping]',
  FeaturesConfig:
    'rbac:b stableHostname:b kubernetesTalosAPIAccess:KubernetesTalosAPIAccessConfig apidCheckExtKeyUsage:b diskQuotaSupport:b kubePrism:KubePrism hostDNS:HostDNSConfig imageCache:ImageCacheConfig nodeAddressSortAlgorithm:s',
  FlannelCNIConfig: 'extraArgs:[s] kubeNetworkPoliciesEnabled:b@1.13',
  HostDNSConfig: 'enabled:b forwardKubeDNSToHost:b resolveMemberNames:b',
  ImageCacheConfig: 'localEnabled:b',
  InstallConfig:
    'disk:s diskSelector:InstallDiskSelector extraKernelArgs:[s] image:s extensions:[InstallExtensionConfig] bootloader:b wipe:b legacyBIOSSupport:b grubUseUKICmdline:b',
  InstallDiskSelector: 'size:s! name:s model:s serial:s modalias:s uuid:s wwid:s type:s busPath:s',
  InstallExtensionConfig: 'image:s',
  KernelConfig: 'modules:[KernelModuleConfig]',
  KernelModuleConfig: 'name:s parameters:[s]',
  KubePrism: 'enabled:b port:i',
  KubeSpanFilters: 'endpoints:[s] excludeAdvertisedNetworks:[s]',
  KubeletConfig:
    'image:s clusterDNS:[s] extraArgs:args extraMounts:[ExtraMount] extraConfig:* credentialProviderConfig:* defaultRuntimeSeccompProfileEnabled:b registerWithFQDN:b nodeIP:KubeletNodeIPConfig skipNodeRegistration:b disableManifestsDirectory:b',
  KubeletNodeIPConfig: 'validSubnets:[s]',
  KubernetesTalosAPIAccessConfig: 'enabled:b allowedRoles:[s] allowedKubernetesNamespaces:[s]',
  LinuxIDMapping: 'containerID:i hostID:i size:i',
  LoggingConfig: 'destinations:[LoggingDestination]',
  LoggingDestination: 'endpoint:s! format:s extraTags:{s}',
  MachineConfig:
    'type:s token:s ca:x509.PEMEncodedCertificateAndKey acceptedCAs:[x509.PEMEncodedCertificate] certSANs:[s] controlPlane:MachineControlPlaneConfig kubelet:KubeletConfig pods:[*] network:NetworkConfig disks:[MachineDisk] install:InstallConfig files:[MachineFile] env:{s} time:TimeConfig sysctls:{s} sysfs:{s} registries:RegistriesConfig systemDiskEncryption:SystemDiskEncryptionConfig features:FeaturesConfig udev:UdevConfig logging:LoggingConfig kernel:KernelConfig seccompProfiles:[MachineSeccompProfile] baseRuntimeSpecOverrides:* nodeLabels:{s} nodeAnnotations:{s} nodeTaints:{s}',
  MachineControlPlaneConfig: 'controllerManager:MachineControllerManagerConfig scheduler:MachineSchedulerConfig',
  MachineControllerManagerConfig: 'disabled:b',
  MachineDisk: 'device:s partitions:[DiskPartition]',
  MachineFile: 'content:s permissions:* path:s op:s',
  MachineSchedulerConfig: 'disabled:b',
  MachineSeccompProfile: 'name:s value:*',
  NetworkConfig:
    'hostname:s interfaces:[Device] nameservers:[s] searchDomains:[s] extraHostEntries:[ExtraHost] kubespan:NetworkKubeSpan disableSearchDomain:b',
  NetworkDeviceSelector: 'busPath:s hardwareAddr:s permanentAddr:s pciID:s driver:s physical:b',
  NetworkKubeSpan:
    'enabled:b advertiseKubernetesNetworks:b allowDownPeerBypass:b harvestExtraEndpoints:b mtu:i! filters:KubeSpanFilters',
  ProxyConfig: 'disabled:b image:s mode:s extraArgs:args',
  RegistriesConfig: 'mirrors:{RegistryMirrorConfig} config:{RegistryConfig}',
  RegistryAuthConfig: 'username:s password:s auth:s identityToken:s',
  RegistryConfig: 'tls:RegistryTLSConfig auth:RegistryAuthConfig',
  RegistryKubernetesConfig: 'disabled:b',
  RegistryMirrorConfig: 'endpoints:[s] overridePath:b skipFallback:b',
  RegistryServiceConfig: 'disabled:b endpoint:s',
  RegistryTLSConfig: 'clientIdentity:x509.PEMEncodedCertificateAndKey ca:s insecureSkipVerify:b',
  ResourcesConfig: 'requests:* limits:*',
  Route: 'network:s gateway:s source:s metric:i mtu:i',
  STP: 'enabled:b',
  SchedulerConfig: 'image:s extraArgs:args extraVolumes:[VolumeMountConfig] env:{s} resources:ResourcesConfig config:*',
  SystemDiskEncryptionConfig: 'state:EncryptionConfig ephemeral:EncryptionConfig',
  TimeConfig: 'disabled:b servers:[s] bootTimeout:d',
  UdevConfig: 'rules:[s]',
  Unstructured: '',
  VIPEquinixMetalConfig: 'apiToken:s',
  VIPHCloudConfig: 'apiToken:s',
  Vlan: 'addresses:[s] cidr:s routes:[Route] dhcp:b vlanId:i mtu:i vip:DeviceVIPConfig dhcpOptions:DHCPOptions',
  VolumeMountConfig: 'hostPath:s mountPath:s readonly:b',
  'block.DiskSelector': 'match:s',
  'block.EncryptionKey':
    'slot:i static:block.EncryptionKeyStatic nodeID:block.EncryptionKeyNodeID kms:block.EncryptionKeyKMS tpm:block.EncryptionKeyTPM lockToState:b',
  'block.EncryptionKeyKMS': 'endpoint:s',
  'block.EncryptionKeyNodeID': '',
  'block.EncryptionKeyStatic': 'passphrase:s',
  'block.EncryptionKeyTPM': 'options:block.EncryptionKeyTPMOptions checkSecurebootStatusOnEnroll:b',
  'block.EncryptionKeyTPMOptions': 'pcrs:[i]',
  'block.EncryptionSpec':
    'provider:s keys:[block.EncryptionKey] cipher:s keySize:i blockSize:i options:[s] allowDiscards:b@1.14',
  'block.ExistingMountSpec': 'readOnly:b@1.13 disableAccessTime:b@1.13 secure:b@1.13',
  'block.ExistingVolumeConfig':
    'apiVersion:s kind:s name:s discovery:block.VolumeDiscoverySpec mount:block.ExistingMountSpec trim:block.TrimConfig@1.14 scrub:block.ScrubConfig@1.14',
  'block.ExternalMountSpec':
    'readOnly:b@1.13 disableAccessTime:b@1.13 secure:b@1.13 virtiofs:block.VirtiofsMountSpec@1.13',
  'block.ExternalVolumeConfig':
    'apiVersion:s@1.13 kind:s@1.13 name:s@1.13 filesystemType:s@1.13 mount:block.ExternalMountSpec@1.13',
  'block.FilesystemScrubConfig': 'apiVersion:s@1.14 kind:s@1.14 interval:d@1.14',
  'block.FilesystemSpec': 'type:s projectQuotaSupport:b xfs:block.XFSSpec@1.14',
  'block.FilesystemTrimConfig': 'apiVersion:s@1.14 kind:s@1.14 interval:d@1.14',
  'block.MountSpec': 'readOnly:b-1.12 secure:b@1.13 disableAccessTime:b@1.14',
  'block.ProvisioningSpec': 'diskSelector:block.DiskSelector grow:b minSize:s maxSize:s',
  'block.RawVolumeConfig':
    'apiVersion:s kind:s name:s provisioning:block.ProvisioningSpec encryption:block.EncryptionSpec',
  'block.ScrubConfig': 'enabled:b@1.14 interval:d@1.14',
  'block.SwapVolumeConfig':
    'apiVersion:s kind:s name:s provisioning:block.ProvisioningSpec encryption:block.EncryptionSpec',
  'block.SystemVolumeFilesystemSpec': 'xfs:block.XFSSpec@1.14',
  'block.TrimConfig': 'enabled:b@1.14 interval:d@1.14',
  'block.UserMountSpec': 'disableAccessTime:b@1.13 secure:b@1.13',
  'block.UserVolumeConfig':
    'apiVersion:s kind:s name:s volumeType:s! provisioning:block.ProvisioningSpec filesystem:block.FilesystemSpec encryption:block.EncryptionSpec mount:block.UserMountSpec@1.13 trim:block.TrimConfig@1.14 scrub:block.ScrubConfig@1.14',
  'block.VirtiofsMountSpec': 'tag:s@1.13',
  'block.VolumeConfig':
    'apiVersion:s kind:s name:s provisioning:block.ProvisioningSpec encryption:block.EncryptionSpec mount:block.MountSpec@1.13 filesystem:block.SystemVolumeFilesystemSpec@1.14 trim:block.TrimConfig@1.14 scrub:block.ScrubConfig@1.14',
  'block.VolumeDiscoverySpec': 'volumeSelector:block.VolumeSelector',
  'block.VolumeSelector': 'match:s',
  'block.XFSSpec': 'minAllocationGroupSize:s@1.14',
  'block.ZswapConfig': 'apiVersion:s kind:s maxPoolPercent:i! shrinkerEnabled:b',
  'cluster.DiscoveryIdentityConfig': 'apiVersion:s@1.14 kind:s@1.14 clusterID:s@1.14 clusterSecret:s@1.14',
  'cluster.DiscoveryServiceConfig': 'apiVersion:s@1.14 kind:s@1.14 name:s@1.14 endpoint:s@1.14',
  'container.ContainerCapabilities': 'add:[s]@1.14 drop:[s]@1.14',
  'container.ContainerConfig':
    'apiVersion:s@1.14 kind:s@1.14 name:s@1.14 image:s@1.14 entrypoint:[s]@1.14 args:[s]@1.14 workingDir:s@1.14 runAs:container.ContainerRunAs@1.14 environment:[s]@1.14 mounts:[container.ContainerMount]@1.14 security:container.ContainerSecurity@1.14 network:container.ContainerNetwork@1.14 resources:container.ContainerResources@1.14 dependsOn:container.ContainerDependsOn@1.14',
  'container.ContainerDependsOn': 'paths:[s]@1.14 networks:[s]@1.14 time:b@1.14 containers:[s]@1.14',
  'container.ContainerMount':
    'userVolume:container.UserVolumeMount@1.14 tmpfs:container.TmpfsMount@1.14 hostPath:container.HostPathMount@1.14',
  'container.ContainerNetwork': 'mode:s@1.14',
  'container.ContainerResourceLimits': 'cpu:s@1.14 memory:s@1.14',
  'container.ContainerResources': 'limits:container.ContainerResourceLimits@1.14',
  'container.ContainerRunAs': 'uid:i!@1.14 gid:i!@1.14',
  'container.ContainerSecurity': 'profile:s@1.14 capabilities:container.ContainerCapabilities@1.14',
  'container.HostPathMount': 'source:s@1.14 destination:s@1.14 options:[s]@1.14',
  'container.TmpfsMount': 'destination:s@1.14 size:s@1.14 options:[s]@1.14',
  'container.UserVolumeMount': 'name:s@1.14 destination:s@1.14 options:[s]@1.14',
  'cri.CRIBaseRuntimeSpecConfig': 'apiVersion:s@1.14 kind:s@1.14 overrides:*=@1.14',
  'cri.CRICustomizationConfig': 'apiVersion:s@1.14 kind:s@1.14 name:s@1.14 content:s@1.14',
  'cri.ImageCacheConfig': 'apiVersion:s@1.14 kind:s@1.14 local:cri.LocalImageCacheConfig@1.14',
  'cri.LocalImageCacheConfig': 'enabled:b@1.14',
  'cri.RegistryAuthConfig': 'apiVersion:s kind:s name:s username:s password:s auth:s identityToken:s',
  'cri.RegistryEndpoint': 'url:s overridePath:b',
  'cri.RegistryMirrorConfig': 'apiVersion:s kind:s name:s endpoints:[cri.RegistryEndpoint] skipFallback:b',
  'cri.RegistryTLSConfig': 'apiVersion:s kind:s name:s clientIdentity:meta.CertificateAndKey ca:s insecureSkipVerify:b',
  'extensions.ConfigFile': 'content:s mountPath:s',
  'extensions.ServiceConfig': 'apiVersion:s kind:s name:s configFiles:[extensions.ConfigFile] environment:[s]',
  'hardware.PCIDriverRebindConfig': 'apiVersion:s kind:s name:s targetDriver:s',
  'k8s.AcceptedServiceAccountConfig': 'publicKeys:[s]@1.14 issuers:[s]@1.14 audiences:[s]@1.14',
  'k8s.IssuerServiceAccountConfig': 'privateKey:s@1.14 issuerURL:s@1.14',
  'k8s.KubeAPIServerCAConfig':
    'apiVersion:s@1.14 kind:s@1.14 issuingCA:meta.CertificateAndKey@1.14 acceptedCAs:[s]@1.14',
  'k8s.KubeAPIServerConfig':
    'apiVersion:s@1.14 kind:s@1.14 image:s@1.14 extraArgs:args@1.14 env:{s}@1.14 resources:k8s.ResourcesConfig@1.14 apiPort:i!@1.14 certExtraSANs:[s]@1.14 startupProbes:b@1.14',
  'k8s.KubeAdmissionControlConfig': 'apiVersion:s@1.14 kind:s@1.14 name:s@1.14 configuration:*@1.14',
  'k8s.KubeAggregatorCAConfig':
    'apiVersion:s@1.14 kind:s@1.14 issuingCA:meta.CertificateAndKey@1.14 acceptedCAs:[s]@1.14',
  'k8s.KubeAuditPolicyConfig': 'apiVersion:s@1.14 kind:s@1.14 configuration:*=@1.14',
  'k8s.KubeAuthenticationConfig': 'apiVersion:s@1.14 kind:s@1.14 configuration:*=@1.14',
  'k8s.KubeAuthorizerConfig': 'apiVersion:s@1.14 kind:s@1.14 name:s@1.14 type:s@1.14 webhook:*@1.14',
  'k8s.KubeClusterConfig': 'apiVersion:s@1.14 kind:s@1.14 clusterName:s@1.14 endpoint:s@1.14',
  'k8s.KubeControllerManagerConfig':
    'apiVersion:s@1.14 kind:s@1.14 enabled:b@1.14 image:s@1.14 extraArgs:args@1.14 env:{s}@1.14 resources:k8s.ResourcesConfig@1.14',
  'k8s.KubeCoreDNSConfig': 'apiVersion:s@1.14 kind:s@1.14 enabled:b@1.14 image:s@1.14',
  'k8s.KubeCredentialProviderConfig': 'apiVersion:s@1.14 kind:s@1.14 configuration:*=@1.14',
  'k8s.KubeEtcdEncryptionConfig': 'apiVersion:s@1.14 kind:s@1.14 config:*@1.14',
  'k8s.KubeExternalManifestConfig': 'apiVersion:s@1.14 kind:s@1.14 name:s@1.14 headers:{s}@1.14 url:s@1.14',
  'k8s.KubeFlannelCNIConfig':
    'apiVersion:s@1.14 kind:s@1.14 backendType:s@1.14 backendPort:i@1.14 backendMTU:i@1.14 backendExtraConfig:*@1.14 resources:k8s.ResourcesConfig@1.14 extraArgs:[s]@1.14 kubeNetworkPoliciesEnabled:b@1.14',
  'k8s.KubeInlineManifestConfig': 'apiVersion:s@1.14 kind:s@1.14 name:s@1.14 manifest:s@1.14',
  'k8s.KubeNetworkConfig':
    'apiVersion:s@1.14 kind:s@1.14 dnsDomain:s@1.14 podSubnets:[s]=@1.14 serviceSubnets:[s]=@1.14 nodeCIDRMaskSizeIPv4:i@1.14 nodeCIDRMaskSizeIPv6:i@1.14',
  'k8s.KubeNodeConfig':
    'apiVersion:s@1.14 kind:s@1.14 skipNodeRegistration:b@1.14 registerWithFQDN:b@1.14 nodeIP:k8s.NodeIPConfig@1.14 labels:{s}@1.14 annotations:{s}@1.14 taints:{s}@1.14',
  'k8s.KubePrismConfig': 'apiVersion:s@1.14 kind:s@1.14 port:i@1.14 tlsServerName:s@1.14',
  'k8s.KubeProxyConfig':
    'apiVersion:s@1.14 kind:s@1.14 enabled:b@1.14 image:s@1.14 mode:s@1.14 config:*@1.14 extraArgs:args@1.14 resources:k8s.ResourcesConfig@1.14',
  'k8s.KubeSchedulerConfig':
    'apiVersion:s@1.14 kind:s@1.14 enabled:b@1.14 image:s@1.14 config:*@1.14 extraArgs:args@1.14 env:{s}@1.14 resources:k8s.ResourcesConfig@1.14',
  'k8s.KubeServiceAccountConfig':
    'apiVersion:s@1.14 kind:s@1.14 issuer:k8s.IssuerServiceAccountConfig@1.14 accepted:k8s.AcceptedServiceAccountConfig@1.14',
  'k8s.KubeStaticPodConfig': 'apiVersion:s@1.14 kind:s@1.14 name:s@1.14 pod:*=@1.14',
  'k8s.KubeTalosAPIAccessConfig':
    'apiVersion:s@1.14 kind:s@1.14 allowedRoles:[s]@1.14 allowedKubernetesNamespaces:[s]@1.14',
  'k8s.KubeletConfig':
    'apiVersion:s@1.14 kind:s@1.14 image:s@1.14 config:*@1.14 extraArgs:args@1.14 clusterDNS:[s]@1.14 defaultRuntimeSeccompProfileEnabled:b@1.14',
  'k8s.NodeIPConfig': 'validSubnets:[s]@1.14',
  'k8s.ResourcesConfig': 'requests:*@1.14 limits:*@1.14',
  'meta.CertificateAndKey': 'cert:s key:s',
  'network.Addr': '',
  'network.AddrPort': '',
  'network.AddressConfig': 'address:s routePriority:i!',
  'network.BGPBFDConfig': 'transmitInterval:d@1.14 receiveInterval:d@1.14 detectMultiplier:i@1.14',
  'network.BGPImportRoute': 'bgpInstance:s@1.14 prefixes:[s]@1.14',
  'network.BGPInstanceConfig':
    'apiVersion:s@1.14 kind:s@1.14 name:s@1.14 vrf:s@1.14 localASN:i@1.14 routerID:s@1.14 routeSource:s@1.14 advertise:[s]=@1.14 multipath:b@1.14 maxPaths:i@1.14 installRoutes:b@1.14 importRoutes:[network.BGPImportRoute]=@1.14 neighbors:[network.BGPNeighborConfig]=@1.14',
  'network.BGPNeighborConfig':
    'address:s@1.14 link:s@1.14 peerASN:i@1.14 localASN:i@1.14 passive:b@1.14 holdTime:d@1.14 bfd:network.BGPBFDConfig@1.14',
  'network.BlackholeRouteConfig': 'apiVersion:s@1.13 kind:s@1.13 name:s@1.13 metric:i@1.13',
  'network.BondConfig':
    'apiVersion:s kind:s name:s hardwareAddr:s links:[s] bondMode:s! miimon:i! updelay:i! downdelay:i! useCarrier:b xmitHashPolicy:s! arpInterval:i! arpIpTargets:[s] nsIp6Targets:[s] arpValidate:s! arpAllTargets:s! lacpRate:s! failOverMac:s! adSelect:s! adActorSysPrio:i! adUserPortKey:i! adLACPActive:s! primaryReselect:s! resendIGMP:i! minLinks:i! lpInterval:i! packetsPerSlave:i! numPeerNotif:i! tlbLogicalLb:i! allSlavesActive:i! peerNotifDelay:i! missedMax:i! up:b mtu:i addresses:[network.AddressConfig] routes:[network.RouteConfig] multicast:b',
  'network.BridgeConfig':
    'apiVersion:s kind:s name:s hardwareAddr:s links:[s] stp:network.BridgeSTPConfig vlan:network.BridgeVLANConfig up:b mtu:i addresses:[network.AddressConfig] routes:[network.RouteConfig] multicast:b',
  'network.BridgeSTPConfig': 'enabled:b',
  'network.BridgeVLANConfig': 'filtering:b',
  'network.DHCPv4Config':
    'apiVersion:s kind:s name:s routeMetric:i ignoreHostname:b clientIdentifier:s! duidRaw:s ignoreRoutes:b@1.14',
  'network.DHCPv6Config': 'apiVersion:s kind:s name:s routeMetric:i ignoreHostname:b clientIdentifier:s! duidRaw:s',
  'network.DefaultActionConfig': 'apiVersion:s kind:s ingress:s',
  'network.DummyLinkConfig':
    'apiVersion:s kind:s name:s hardwareAddr:s up:b mtu:i addresses:[network.AddressConfig] routes:[network.RouteConfig] multicast:b',
  'network.EthernetChannelsConfig': 'rx:i! tx:i! other:i! combined:i!',
  'network.EthernetConfig':
    'apiVersion:s kind:s name:s features:{b} rings:network.EthernetRingsConfig channels:network.EthernetChannelsConfig wakeOnLan:[s]',
  'network.EthernetRingsConfig':
    'rx:i! tx:i! rx-mini:i! rx-jumbo:i! rx-buf-len:i! cqe-size:i! tx-push:b rx-push:b tx-push-buf-len:i! tcp-data-split:b',
  'network.HCloudVIPConfig': 'apiVersion:s kind:s name:s link:s apiToken:s',
  'network.HTTPProbeConfig':
    'apiVersion:s@1.14 kind:s@1.14 name:s@1.14 interval:d@1.14 failureThreshold:i@1.14 url:s@1.14 timeout:d@1.14',
  'network.HostDNSConfig': 'enabled:b@1.14 forwardKubeDNSToHost:b@1.14 resolveMemberNames:b@1.14',
  'network.HostnameConfig': 'apiVersion:s kind:s auto:s! hostname:s',
  'network.IngressRule': 'subnet:s except:s',
  'network.KubeSpanConfig':
    'apiVersion:s@1.13 kind:s@1.13 enabled:b@1.13 advertiseKubernetesNetworks:b@1.13 allowDownPeerBypass:b@1.13 harvestExtraEndpoints:b@1.13 mtu:i!@1.13 filters:network.KubeSpanFiltersConfig@1.13',
  'network.KubeSpanFiltersConfig': 'endpoints:[s]@1.13 excludeAdvertisedNetworks:[s]@1.13',
  'network.KubespanEndpointsConfig': 'apiVersion:s kind:s extraAnnouncedEndpoints:[s]',
  'network.Layer2VIPConfig': 'apiVersion:s kind:s name:s link:s',
  'network.LinkAliasConfig': 'apiVersion:s kind:s name:s selector:network.LinkSelector',
  'network.LinkConfig':
    'apiVersion:s kind:s name:s up:b mtu:i addresses:[network.AddressConfig] routes:[network.RouteConfig] multicast:b',
  'network.LinkSelector': 'match:s',
  'network.NTPConfig': 'servers:[s] useNTS:b@1.14',
  'network.NameserverConfig': 'address:s protocol:s@1.14 tlsServerName:s@1.14',
  'network.PTPConfig': 'devices:[s]',
  'network.Prefix': '',
  'network.ResolverConfig':
    'apiVersion:s kind:s nameservers:[network.NameserverConfig] searchDomains:network.SearchDomainsConfig hostDNS:network.HostDNSConfig@1.14',
  'network.RouteConfig': 'destination:s gateway:s source:s metric:i mtu:i table:s',
  'network.RoutingRuleConfig':
    'apiVersion:s@1.13 kind:s@1.13 name:s@1.13 src:s@1.13 dst:s@1.13 table:s@1.13 action:s@1.13 iifName:s@1.13 oifName:s@1.13 fwMark:i@1.13 fwMask:i@1.13',
  'network.RuleConfig':
    'apiVersion:s kind:s name:s portSelector:network.RulePortSelector ingress:[network.IngressRule]=',
  'network.RulePortSelector': 'ports:[*]= protocol:s',
  'network.SearchDomainsConfig': 'domains:[s] disableDefault:b',
  'network.StaticHostConfig': 'apiVersion:s kind:s name:s hostnames:[s]',
  'network.TCPProbeConfig':
    'apiVersion:s@1.13 kind:s@1.13 name:s@1.13 interval:d@1.13 failureThreshold:i@1.13 endpoint:s@1.13 timeout:d@1.13',
  'network.TimeSyncConfig': 'apiVersion:s kind:s enabled:b bootTimeout:d ntp:network.NTPConfig ptp:network.PTPConfig',
  'network.VLANConfig':
    'apiVersion:s kind:s name:s vlanID:i vlanMode:s! parent:s up:b mtu:i addresses:[network.AddressConfig] routes:[network.RouteConfig] multicast:b',
  'network.VRFConfig':
    'apiVersion:s@1.13 kind:s@1.13 name:s@1.13 hardwareAddr:s@1.13 links:[s]@1.13 table:s@1.13 up:b@1.13 mtu:i@1.13 addresses:[network.AddressConfig]@1.13 routes:[network.RouteConfig]@1.13 multicast:b@1.13',
  'network.VethConfig':
    'apiVersion:s@1.14 kind:s@1.14 name:s@1.14 peer:network.VethPeerConfig@1.14 up:b@1.14 mtu:i@1.14 addresses:[network.AddressConfig]@1.14 routes:[network.RouteConfig]@1.14 multicast:b@1.14',
  'network.VethPeerConfig':
    'name:s@1.14 up:b@1.14 mtu:i@1.14 addresses:[network.AddressConfig]@1.14 routes:[network.RouteConfig]@1.14 multicast:b@1.14',
  'network.WireguardConfig':
    'apiVersion:s kind:s name:s privateKey:s listenPort:i firewallMark:i peers:[network.WireguardPeer] up:b mtu:i addresses:[network.AddressConfig] routes:[network.RouteConfig] multicast:b',
  'network.WireguardPeer': 'publicKey:s presharedKey:s endpoint:s persistentKeepaliveInterval:d allowedIPs:[s]',
  'runtime.DiskSelectorSpec': 'match:s@1.14',
  'runtime.Environment': 'apiVersion:s@1.13 kind:s@1.13 variables:{s}@1.13',
  'runtime.EtcFileConfig': 'apiVersion:s@1.14 kind:s@1.14 name:s@1.14 mode:*@1.14 contents:s@1.14',
  'runtime.EventSink': 'apiVersion:s kind:s endpoint:s',
  'runtime.InstallerSpec': 'image:s@1.14',
  'runtime.KernelModuleConfig': 'apiVersion:s@1.14 kind:s@1.14 name:s@1.14 parameters:[s]@1.14',
  'runtime.KmsgLog': 'apiVersion:s kind:s name:s url:s',
  'runtime.OOM':
    'apiVersion:s kind:s triggerExpression:s cgroupRankingExpression:s strictCgroupClassOrdering:b sampleInterval:d',
  'runtime.ProvisioningSpec': 'diskSelector:runtime.DiskSelectorSpec@1.14 wipe:b@1.14',
  'runtime.SecurityProfileConfig': 'apiVersion:s@1.14 kind:s@1.14 workloadIsolation:b@1.14',
  'runtime.SysctlConfig': 'apiVersion:s@1.14 kind:s@1.14 params:{s}@1.14',
  'runtime.SysfsConfig': 'apiVersion:s@1.14 kind:s@1.14 params:{s}@1.14',
  'runtime.UdevRulesConfig': 'apiVersion:s@1.14 kind:s@1.14 rules:[s]@1.14',
  'runtime.UnattendedInstallConfig':
    'apiVersion:s@1.14 kind:s@1.14 reboot:b@1.14 installer:runtime.InstallerSpec@1.14 provisioning:runtime.ProvisioningSpec@1.14',
  'runtime.WatchdogTimer': 'apiVersion:s kind:s device:s timeout:d',
  'security.ImageKeylessVerifier': 'issuer:s@1.13 subject:s@1.13 subjectRegex:s@1.13',
  'security.ImagePublicKeyVerifier': 'certificate:s@1.13',
  'security.ImageVerificationConfig': 'apiVersion:s@1.13 kind:s@1.13 rules:[security.ImageVerificationRule]@1.13',
  'security.ImageVerificationRule':
    'image:s@1.13 skip:b@1.13 deny:b@1.13 keyless:security.ImageKeylessVerifier@1.13 publicKey:security.ImagePublicKeyVerifier@1.13',
  'security.TrustedRootsConfig': 'apiVersion:s kind:s name:s certificates:s',
  'siderolink.Config': 'apiVersion:s kind:s apiUrl:s uniqueToken:s',
  'storage.LVMLogicalVolumeConfig':
    'apiVersion:s@1.14 kind:s@1.14 name:s@1.14 type:s@1.14 mirrors:i!@1.14 stripes:i!@1.14 provisioning:storage.LVMLogicalVolumeProvisioningSpec@1.14',
  'storage.LVMLogicalVolumeProvisioningSpec': 'volumeGroup:s@1.14 minSize:s@1.14 maxSize:s@1.14',
  'storage.LVMVolumeGroupConfig':
    'apiVersion:s@1.14 kind:s@1.14 name:s@1.14 provisioning:storage.ProvisioningSpec@1.14',
  'storage.LVMVolumeSelectorSpec': 'match:s@1.14',
  'storage.ProvisioningSpec': 'volumeSelector:storage.LVMVolumeSelectorSpec@1.14',
  'storage.RAIDArrayConfig':
    'apiVersion:s@1.14 kind:s@1.14 name:s@1.14 level:s@1.14 metadata:s@1.14 provisioning:storage.RAIDProvisioningSpec@1.14',
  'storage.RAIDProvisioningSpec': 'volumeSelector:storage.RAIDVolumeSelector@1.14',
  'storage.RAIDVolumeSelector': 'match:s@1.14',
  'x509.PEMEncodedCertificate': 'crt:s',
  'x509.PEMEncodedCertificateAndKey': 'crt:s key:s',
  'x509.PEMEncodedKey': 'key:s',
}
